namespace Ftrace.Linux;

/// <summary>Reads files with raw system calls into memory of the caller's.</summary>
internal static unsafe class ProcFile
{
    private const int AtFdcwd = -100;
    private const int OpenReadOnlyCloexec = 0x80000;
    private const int DirectoryOnly = 0x10000;

    /// <summary>O_NONBLOCK, O_NOCTTY: the path may name a device or a FIFO.</summary>
    private const int OpenWithoutWaiting = 0x800 | 0x100;

    private const int StatSize = 144;
    private const int StatModeOffset = 24;
    private const int StatSizeOffset = 48;
    private const uint ModeFormat = 0xf000;
    private const uint ModeRegular = 0x8000;

    /// <summary>Opens a file for reading. The path ends in a 0.</summary>
    /// <returns>A descriptor or -errno.</returns>
    public static int Open(byte* path) =>
        (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenReadOnlyCloexec | OpenWithoutWaiting);

    /// <summary>
    /// Opens a regular file for reading. No other file is opened: that can have side effects, or block.
    /// </summary>
    /// <returns>A descriptor or -errno; -EACCES if it is not a regular file.</returns>
    public static int OpenRegular(byte* path, out ulong size)
    {
        byte* stat = stackalloc byte[StatSize];
        size = 0;
        int error = (int)Native.Syscall(SyscallNumber.Newfstatat, AtFdcwd, (nint)path, (nint)stat, 0);
        if (error != 0 || !IsRegular(stat))
        {
            return error != 0 ? error : -Errno.EACCES;
        }

        int file = Open(path);
        if (file < 0)
        {
            return file;
        }

        // The path may name another file by now.
        error = (int)Native.Syscall(SyscallNumber.Fstat, file, (nint)stat);
        if (error != 0 || !IsRegular(stat))
        {
            Close(file);
            return error != 0 ? error : -Errno.EACCES;
        }

        size = *(ulong*)(stat + StatSizeOffset);
        return file;
    }

    private static bool IsRegular(byte* stat) => (*(uint*)(stat + StatModeOffset) & ModeFormat) == ModeRegular;

    /// <summary>Opens a directory.</summary>
    public static int OpenDirectory(byte* path) =>
        (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenReadOnlyCloexec | DirectoryOnly);

    /// <summary>Reads until the buffer is full, or the file ends.</summary>
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

    /// <summary>The error that a call of the library returns if a file of /proc cannot be opened.</summary>
    public static int ErrorOf(int error) => IsTransient(error) ? -Errno.EAGAIN : -Errno.EOPNOTSUPP;

    /// <summary>True for an error that is not about the file: the next attempt may succeed.</summary>
    public static bool IsTransient(int error) =>
        error is -Errno.EMFILE or -Errno.ENFILE or -Errno.ENOMEM or -Errno.EAGAIN or -Errno.EINTR;

    [NoInstr]
    public static void Close(int fd) => Native.Syscall(SyscallNumber.Close, fd);
}
