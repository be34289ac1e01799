using System;
using System.Buffers.Text;

namespace Ftrace.Linux;

/// <summary>Reads /proc about one thread, and the number of threads. Called with the stop mutex held.</summary>
internal static unsafe class TaskFiles
{
    private const int BufferSize = 4096;
    private const int PathSize = 64;

    private static byte* s_buffer;

    /// <summary>
    /// True under valgrind, which blocks all signals in the threads that it executes, delivers them itself, and runs one thread at a time:
    /// a thread that is stopped by ptrace(2) may keep all others from running.
    /// </summary>
    private static bool s_isSimulated;

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(BufferSize);
        s_isSimulated = (Native.Table->ForbidsBreakpoints() & NativeTable.UnderValgrind) != 0;
        return s_buffer != null;
    }

    /// <summary>What a thread is, as far as a stop is concerned.</summary>
    public static TaskKind KindOf(int tid)
    {
        int bytes = ReadFile(tid, "/stat\0"u8);
        if (bytes >= 0)
        {
            return TaskStat.KindOf(new ReadOnlySpan<byte>(s_buffer, bytes));
        }

        return bytes is -Errno.ENOENT or -Errno.ESRCH ? TaskKind.Gone : TaskKind.Unknown;
    }

    /// <summary>True if a signal is pending for a thread. False if this is not known.</summary>
    public static bool IsPending(int tid, int signo)
    {
        int bytes = ReadFile(tid, "/status\0"u8);
        return bytes > 0 && (TaskStat.PendingOf(new ReadOnlySpan<byte>(s_buffer, bytes)) & SignalSet.Of(signo)) != 0;
    }

    /// <summary>
    /// True if a thread that was sent a signal has taken it, and blocks it: it is about to enter the handler, or is in it, or has received
    /// the signal in another way. False if this is not known.
    /// </summary>
    public static bool HasTaken(int tid, int signo)
    {
        int bytes = ReadFile(tid, "/status\0"u8);
        if (bytes <= 0)
        {
            return false;
        }

        // Both from one reading: the kernel fills in both sets with the thread's signals locked.
        var status = new ReadOnlySpan<byte>(s_buffer, bytes);
        return TaskStat.TryMaskOf(status, out ulong blocked, out _)
            && (blocked & ~TaskStat.PendingOf(status) & SignalSet.Of(signo)) != 0;
    }

    /// <summary>True if a thread sleeps in a system call, or this is not known. A page fault is no call.</summary>
    public static bool SleepsInCall(int tid) => CallOf(tid, out WaitingCall call) != 0 || call.IsInCall;

    /// <summary>The signals that a thread has blocked at present, and how often it had gone to sleep by then.</summary>
    /// <returns>0 or -errno; -EOPNOTSUPP if the file does not have them.</returns>
    public static int MaskOf(int tid, out ulong blocked, out ulong sleeps)
    {
        int bytes = ReadFile(tid, "/status\0"u8);
        blocked = sleeps = 0;
        if (bytes < 0)
        {
            return bytes;
        }

        return TaskStat.TryMaskOf(new ReadOnlySpan<byte>(s_buffer, bytes), out blocked, out sleeps) ? 0 : -Errno.EOPNOTSUPP;
    }

    /// <summary>The system call that a thread sleeps in.</summary>
    /// <returns>0 or -errno; -EACCES in a process that is not dumpable; -EOPNOTSUPP if the file's format is unknown.</returns>
    public static int CallOf(int tid, out WaitingCall call)
    {
        call = default;
        int bytes = ReadFile(tid, "/syscall\0"u8);
        if (bytes < 0)
        {
            return bytes;
        }

        return WaitingCall.TryParse(new ReadOnlySpan<byte>(s_buffer, bytes), out call) ? 0 : -Errno.EOPNOTSUPP;
    }

    /// <summary>Finds out whether a thread would take a signal, for a stop.</summary>
    /// <param name="tid">The thread.</param>
    /// <param name="signo">The signal.</param>
    /// <param name="delivery">The result.</param>
    /// <returns>0, or -errno if this is not known.</returns>
    public static int DeliveryOf(int tid, int signo, out SignalDelivery delivery)
    {
        delivery = SignalDelivery.Immediate;
        if (s_isSimulated)
        {
            return 0;
        }

        int bytes = ReadFile(tid, "/status\0"u8);
        if (bytes < 0)
        {
            return bytes;
        }

        var status = new ReadOnlySpan<byte>(s_buffer, bytes);
        TaskStat.TryMaskOf(status, out ulong blocked, out ulong sleeps);
        if (TaskStat.HasEnded(status))
        {
            delivery = SignalDelivery.Ended;
            return 0;
        }

        if ((blocked & SignalSet.Of(signo)) != 0)
        {
            delivery = blocked == ~0ul ? SignalDelivery.AllBlocked : SignalDelivery.Blocked;
            return 0;
        }

        // In sigwait() the mask shows the signals that are waited for as not blocked, and the host would receive them.
        if (!TaskStat.IsAsleep(status))
        {
            delivery = SignalDelivery.IfRunning;
            return 0;
        }

        if (CallOf(tid, out WaitingCall call) == 0 && (call.IsRunning || call.Awaits(signo)))
        {
            delivery = call.IsRunning ? SignalDelivery.IfRunning : SignalDelivery.Awaited;
            return 0;
        }

        // The mask belongs to the call that was seen only if the thread has slept in it all the time.
        int error = MaskOf(tid, out ulong still, out ulong sleepsNow);
        if (error != 0)
        {
            return error;
        }

        if ((still & SignalSet.Of(signo)) != 0)
        {
            delivery = SignalDelivery.Blocked;
        }
        else if (sleepsNow != sleeps)
        {
            delivery = SignalDelivery.IfRunning;
        }

        return 0;
    }

    /// <summary>
    /// True if a thread is in a state that neither a signal nor ptrace(2) ends: it waits for a disk, or in vfork(2), or a debugger has stopped it.
    /// </summary>
    public static bool IsStuck(int tid)
    {
        int bytes = ReadFile(tid, "/status\0"u8);
        return bytes > 0 && TaskStat.IsStuck(new ReadOnlySpan<byte>(s_buffer, bytes));
    }

    /// <summary>True if system calls of the process are filtered by seccomp(2), or this is not known.</summary>
    public static bool HasSeccompFilter()
    {
        int bytes = ReadFile((int)Native.Syscall(SyscallNumber.Gettid), "/status\0"u8);
        return bytes <= 0 || TaskStat.SeccompOf(new ReadOnlySpan<byte>(s_buffer, bytes)) != 0;
    }

    /// <summary>
    /// True if /proc is that of the process's own pid namespace. In another namespace its threads have other ids than
    /// those that system calls take.
    /// </summary>
    public static bool ShowsOwnIds()
    {
        nint length;
        fixed (byte* path = "/proc/self\0"u8)
        {
            length = Native.Syscall(SyscallNumber.Readlink, (nint)path, (nint)s_buffer, BufferSize);
        }

        return length > 0 && Utf8Parser.TryParse(new ReadOnlySpan<byte>(s_buffer, (int)length), out int pid, out int digits)
            && digits == length && pid == (int)Native.Syscall(SyscallNumber.Getpid);
    }

    /// <summary>True if a debugger is attached to the calling thread. Needs no mutex.</summary>
    public static bool IsTraced()
    {
        const int Start = 1024; // TracerPid is among the first lines

        int fd;
        fixed (byte* path = "/proc/thread-self/status\0"u8)
        {
            fd = ProcFile.Open(path);
        }

        if (fd < 0)
        {
            return false;
        }

        byte* buffer = stackalloc byte[Start];
        int bytes = ProcFile.Read(fd, buffer, Start);
        ProcFile.Close(fd);
        return bytes > 0 && TaskStat.TracerOf(new ReadOnlySpan<byte>(buffer, bytes)) != 0;
    }

    /// <summary>The number of threads, from the link count of the task directory; less than 1 if this does not show it.</summary>
    public static long Count()
    {
        const int AtFdcwd = -100;
        const int LinksOffset = 16; // st_nlink in struct stat, x86-64
        const int OwnLinks = 2;

        fixed (byte* path = "/proc/self/task\0"u8)
        {
            nint error = Native.Syscall(SyscallNumber.Newfstatat, AtFdcwd, (nint)path, (nint)s_buffer);
            return error != 0 ? 0 : *(long*)(s_buffer + LinksOffset) - OwnLinks;
        }
    }

    private static int ReadFile(int tid, ReadOnlySpan<byte> name) => ReadFile(tid, name, s_buffer, BufferSize);

    /// <summary>Reads the start of a file about a thread. The file's name begins with a slash and ends in a 0. Needs no mutex.</summary>
    /// <returns>Bytes or -errno.</returns>
    public static int ReadFile(int tid, ReadOnlySpan<byte> name, byte* buffer, int size)
    {
        byte* path = stackalloc byte[PathSize];
        var rest = new Span<byte>(path, PathSize);
        "/proc/self/task/"u8.CopyTo(rest);
        rest = rest["/proc/self/task/"u8.Length..];
        Utf8Formatter.TryFormat(tid, rest, out int digits);
        name.CopyTo(rest[digits..]);

        int fd = ProcFile.Open(path);
        if (fd < 0)
        {
            return fd;
        }

        int bytes = ProcFile.Read(fd, buffer, size);
        ProcFile.Close(fd);
        return bytes;
    }
}
