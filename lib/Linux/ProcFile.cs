namespace Ftrace.Linux;

/// <summary>Files of /proc, read with raw system calls into memory of the caller's.</summary>
internal static unsafe class ProcFile
{
    private const int AtFdcwd = -100;
    private const int OpenReadOnlyCloexec = 0x80000;
    private const int OpenDirectory = 0x10000;

    /// <summary>Opens a file for reading. The path ends in a 0.</summary>
    /// <returns>A descriptor or -errno.</returns>
    public static int Open(byte* path) =>
        (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenReadOnlyCloexec);

    /// <summary>Opens a directory.</summary>
    public static int OpenFolder(byte* path) =>
        (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenReadOnlyCloexec | OpenDirectory);

    /// <summary>Reads until the buffer is full or the file at its end.</summary>
    /// <returns>Bytes read or -errno.</returns>
    public static int Read(int fd, byte* buffer, int size)
    {
        int total = 0;
        while (total < size)
        {
            nint got = Native.Syscall(SyscallNumber.Read, fd, (nint)(buffer + total), size - total);
            if (got == -Errno.EINTR)
            {
                continue;
            }

            if (got <= 0)
            {
                return got < 0 ? (int)got : total;
            }

            total += (int)got;
        }

        return total;
    }

    /// <summary>What a file of /proc that cannot be opened means to the caller of the library.</summary>
    public static int ErrorOf(int error) =>
        error is -Errno.EMFILE or -Errno.ENFILE or -Errno.ENOMEM ? -Errno.EAGAIN : -Errno.EOPNOTSUPP;

    [NoInstr]
    public static void Close(int fd) => Native.Syscall(SyscallNumber.Close, fd);
}
