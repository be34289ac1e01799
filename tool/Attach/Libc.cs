using System.Runtime.InteropServices;

namespace Ftrace.Tool.Attach;

/// <summary>Functions of the C library and system calls. They return -1 for an error, with errno in <see cref="Errno"/>.</summary>
internal static unsafe partial class Libc
{
    public const int EPERM = 1;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EACCES = 13;
    public const int EBUSY = 16;
    public const int ENOSYS = 38;

    public const int O_RDWR = 2;
    public const int O_CLOEXEC = 0x80000;

    /// <summary>waitpid(2): threads and processes, whatever signal they end with.</summary>
    public const int WaitAll = 0x40000000;

    public const int WaitNoHang = 1;

    private const nint PrctlNumber = 157;
    private const nint SetTimerSlack = 29; // PR_SET_TIMERSLACK
    private const nint PidfdOpenNumber = 434;
    private const nint PidfdGetfdNumber = 438;

    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>The text of an error: "No such file or directory".</summary>
    public static string TextOf(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    public static int OpenProcess(int pid) => (int)SystemCall(PidfdOpenNumber, pid, 0, 0);

    /// <summary>A copy of a descriptor of another process.</summary>
    public static int TakeDescriptor(int process, int descriptor) => (int)SystemCall(PidfdGetfdNumber, process, descriptor, 0);

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    public static partial nint Trace(nint request, int tid, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitFor(int tid, int* status, int options);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, void* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int descriptor, void* buffer, nint count, long offset);

    /// <summary>Lets the calling thread sleep as short as it asks for, not 50 microseconds longer.</summary>
    public static void SleepExactly() => SystemCall(PrctlNumber, SetTimerSlack, 1, 0);

    [LibraryImport("libc", EntryPoint = "usleep")]
    public static partial int Sleep(uint microseconds);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, void* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c);
}
