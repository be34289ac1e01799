using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// perf's software task clock of a thread, perf_event_open(2). It counts time in user mode only: a signal then always comes from a thread that
/// executes its own code, so it interrupts no system call, and none is pending when the thread calls execve(2), unless it blocks the signal.
/// </summary>
internal static unsafe class PerfClock
{
    /// <summary>The greatest rate: the kernel's shortest period is 10 microseconds.</summary>
    public const uint MaxHz = 100_000;

    private const uint Software = 1;          // PERF_TYPE_SOFTWARE
    private const ulong TaskClock = 1;        // PERF_COUNT_SW_TASK_CLOCK
    private const int AttributeSize = 64;     // PERF_ATTR_SIZE_VER0
    private const ulong Disabled = 1 << 0;
    private const ulong ExcludeKernel = 1 << 5;
    private const ulong ExcludeHypervisor = 1 << 6;
    private const nint Cloexec = 8;           // PERF_FLAG_FD_CLOEXEC
    private const int IocDisable = 0x2401;
    private const int IocRefresh = 0x2402;
    private const long IocId = 0x80082407;
    private const int DupCloexec = 1030;      // F_DUPFD_CLOEXEC
    private const int SetFlags = 4;           // F_SETFL
    private const int SetSignal = 10;         // F_SETSIG
    private const int SetOwner = 15;          // F_SETOWN_EX, of F_OWNER_TID
    private const int AsyncNonblocking = 0x2000 | 0x800;
    private const int FileLimit = 7;          // RLIMIT_NOFILE
    private const ulong LowDescriptors = 512;

    /// <summary>Creates the clock of a thread, and starts it.</summary>
    /// <param name="timer">Its thread is given.</param>
    /// <param name="signo">The signal that it sends.</param>
    /// <param name="hz">How often.</param>
    /// <returns>0 or -errno.</returns>
    public static int Create(ref SampleTimer timer, int signo, uint hz)
    {
        byte* attribute = stackalloc byte[AttributeSize];
        new System.Span<byte>(attribute, AttributeSize).Clear();
        *(uint*)attribute = Software;
        *(uint*)(attribute + 4) = AttributeSize;
        *(ulong*)(attribute + 8) = TaskClock;
        *(ulong*)(attribute + 16) = (ulong)Clock.NsPerSecond / hz;
        *(ulong*)(attribute + 40) = Disabled | ExcludeKernel | ExcludeHypervisor;
        *(uint*)(attribute + 48) = 1; // wakeup_events
        var low = (int)Native.Syscall(SyscallNumber.PerfEventOpen, (nint)attribute, timer.Tid, -1, -1, Cloexec);
        if (low < 0)
        {
            return low;
        }

        // Low numbers are the program's, and so is most of what the limit allows.
        int fd = -Errno.EMFILE;
        ulong half = DescriptorLimit / 2;
        if ((ulong)low < half)
        {
            fd = (int)Native.Syscall(SyscallNumber.Fcntl, low, DupCloexec, (nint)ulong.Min(half, LowDescriptors));
        }

        ProcFile.Close(low);
        if (fd < 0)
        {
            return fd;
        }

        timer.Handle = fd;
        int error = Start(ref timer, signo);
        if (error != 0)
        {
            ProcFile.Close(fd);
        }

        return error;
    }

    private static int Start(ref SampleTimer timer, int signo)
    {
        int fd = timer.Handle;
        var owner = stackalloc int[2] { 0, timer.Tid };
        ulong id;
        int error = (int)Native.Syscall(SyscallNumber.Ioctl, fd, unchecked((nint)IocId), (nint)(&id));
        timer.Id = error == 0 ? id : 0;
        error = error != 0 ? error : (int)Native.Syscall(SyscallNumber.Fcntl, fd, SetOwner, (nint)owner);
        error = error != 0 ? error : (int)Native.Syscall(SyscallNumber.Fcntl, fd, SetSignal, signo);
        error = error != 0 ? error : (int)Native.Syscall(SyscallNumber.Fcntl, fd, SetFlags, AsyncNonblocking);
        return error != 0 ? error : (int)Native.Syscall(SyscallNumber.Ioctl, fd, IocRefresh, 1);
    }

    private static ulong DescriptorLimit
    {
        get
        {
            ulong* limit = stackalloc ulong[2];
            return Native.Syscall(SyscallNumber.Prlimit64, 0, FileLimit, 0, (nint)limit) == 0 ? limit[0] : ulong.MaxValue;
        }
    }

    /// <summary>Starts it again, if its signal was not sent.</summary>
    public static void Resume(in SampleTimer timer)
    {
        if (IsOurs(timer))
        {
            Native.Syscall(SyscallNumber.Ioctl, timer.Handle, IocRefresh, 1);
        }
    }

    /// <summary>
    /// Removes it: no signal is sent from here on. Without O_ASYNC the kernel does not send one, although the child of a fork may have the
    /// descriptor too. The program may have closed it, and opened something else.
    /// </summary>
    /// <param name="timer">The clock.</param>
    /// <param name="closes">False if a handler may still use the descriptor.</param>
    public static void Remove(in SampleTimer timer, bool closes)
    {
        if (!IsOurs(timer))
        {
            return;
        }

        Native.Syscall(SyscallNumber.Fcntl, timer.Handle, SetFlags, 0);
        Native.Syscall(SyscallNumber.Ioctl, timer.Handle, IocDisable);
        if (closes)
        {
            ProcFile.Close(timer.Handle);
        }
    }

    /// <summary>In the child of a fork: the clock is the parent's.</summary>
    [NoInstr]
    public static void Close(in SampleTimer timer)
    {
        if (IsOurs(timer))
        {
            ProcFile.Close(timer.Handle);
        }
    }

    [NoInstr]
    private static bool IsOurs(in SampleTimer timer)
    {
        ulong id;
        return Native.Syscall(SyscallNumber.Ioctl, timer.Handle, unchecked((nint)IocId), (nint)(&id)) == 0 && id == timer.Id;
    }
}
