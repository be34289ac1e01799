using System.Runtime.InteropServices;

namespace Ftrace.Tool.Control;

/// <summary>Functions of the C library. They return -1 for an error, with errno in <see cref="Errno"/>.</summary>
internal static unsafe partial class Libc
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EACCES = 13;
    public const int EWOULDBLOCK = 11;

    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_NOCTTY = 0x100;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;

    public const int ProtReadWrite = 3;
    public const int MapShared = 1;
    public const int LockExclusive = 2;
    public const int LockWithoutWaiting = 4;

    public static readonly void* MapFailed = (void*)-1;

    private const int FutexNumber = 202;
    private const int FutexWakeOp = 5;
    private const int AddOne = 1 << 28 | 1 << 12; // FUTEX_OP_ADD, 1

    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>The text of an error: "No such file or directory".</summary>
    public static string TextOf(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>Adds 1 to a word in shared memory, and wakes all that sleep on it. The kernel does both: it finds out if the file was truncated.</summary>
    /// <returns>False: it is not in the file any more.</returns>
    public static bool AddOneAndWake(void* word) => SystemCall(FutexNumber, (nint)word, FutexWakeOp, int.MaxValue, 0, (nint)word, AddOne) >= 0;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nint length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, void* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int descriptor, void* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);
}
