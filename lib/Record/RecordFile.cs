using System;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// The file: how it is created, how it grows, and its mapping. Blocks are allocated before they are mapped, so that writing never fails.
/// </summary>
/// <remarks>
/// The host may close descriptors that are not its own, and then open a file that gets the same number. So before each use it is
/// checked that the descriptor still is of the file; and it is none of the lowest ones, which a program may expect to be free.
/// </remarks>
internal static unsafe class RecordFile
{
    private const int AtFdcwd = -100;
    private const int DuplicateCloexec = 1030; // F_DUPFD_CLOEXEC
    private const int GetSeals = 1034; // F_GET_SEALS
    private const int SealShrink = 2;  // F_SEAL_SHRINK
    private const int FirstDescriptor = 512;
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int MapShared = 1;
    private const int LimitDescriptors = 7;
    private const int StatSize = 144;

    private static int s_fd = -1;
    private static ulong s_device;
    private static ulong s_inode;
    private static ulong s_size;
    private static ulong s_maxSize;
    private static bool s_isCreated;

    /// <summary>How large the file may get, in bytes.</summary>
    public static ulong MaxSize => s_maxSize;

    /// <summary>How large it is.</summary>
    public static ulong Size => s_size;

    /// <summary>By how much it may grow.</summary>
    public static ulong Room
    {
        get
        {
            ulong most = Math.Min(s_maxSize, TraceFilePath.SizeLimit);
            return most > s_size ? most - s_size : 0;
        }
    }

    /// <summary>Opens the file. A path must not exist yet; a descriptor must be of an empty file.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Open(byte* path, ulong maxSize)
    {
        s_size = 0;
        s_maxSize = maxSize;
        s_isCreated = !TraceFilePath.IsDescriptor(path);
        int fd = TraceFilePath.Open(path);
        if (fd < 0)
        {
            return fd;
        }

        byte* stat = stackalloc byte[StatSize];
        Native.Syscall(SyscallNumber.Fstat, fd, (nint)stat);
        s_device = *(ulong*)stat;
        s_inode = *(ulong*)(stat + sizeof(ulong));
        s_fd = MoveUp(fd);
        return 0;
    }

    /// <summary>Replaces a descriptor by a high one, if there is one.</summary>
    private static int MoveUp(int fd)
    {
        ulong first = ulong.Min(FirstDescriptor, TraceFilePath.Limit(LimitDescriptors) / 2);
        if ((ulong)fd >= first)
        {
            return fd;
        }

        int moved = (int)Native.Syscall(SyscallNumber.Fcntl, fd, DuplicateCloexec, (nint)first);
        if (moved < 0)
        {
            return fd;
        }

        ProcFile.Close(fd);
        return moved;
    }

    /// <summary>True if nobody can make the file shorter.</summary>
    public static bool IsSealed
    {
        get
        {
            nint seals = Native.Syscall(SyscallNumber.Fcntl, s_fd, GetSeals);
            return seals >= 0 && (seals & SealShrink) != 0;
        }
    }

    /// <summary>True if the descriptor still is that of the file.</summary>
    private static bool IsOpen
    {
        get
        {
            byte* stat = stackalloc byte[StatSize];
            return s_fd >= 0 && Native.Syscall(SyscallNumber.Fstat, s_fd, (nint)stat) == 0 && IsFile(stat);
        }
    }

    private static bool IsFile(byte* stat) => *(ulong*)stat == s_device && *(ulong*)(stat + sizeof(ulong)) == s_inode;

    private static int CanGrow(ulong bytes)
    {
        if (bytes > Room)
        {
            return -Errno.EFBIG;
        }

        return IsOpen ? 0 : -Errno.EBADF;
    }

    /// <summary>Makes the file longer, and maps the new part. Null if the file cannot grow; then nothing has changed.</summary>
    /// <param name="bytes">How much, a multiple of the block size.</param>
    /// <param name="error">0 or -errno: -EFBIG at the greatest size, or at RLIMIT_FSIZE, which would end the process; -EBADF: the host has closed it.</param>
    public static void* Grow(ulong bytes, out int error)
    {
        error = CanGrow(bytes);
        error = error != 0 ? error : Allocate(bytes);
        if (error != 0)
        {
            return null;
        }

        void* start = Map(s_size, bytes, out error);
        s_size += start != null ? bytes : 0;
        return start;
    }

    /// <summary>Maps a part. Null if it cannot.</summary>
    public static void* Map(ulong offset, ulong bytes, out int error)
    {
        nint start = Native.Syscall(SyscallNumber.Mmap, 0, (nint)bytes, Memory.ProtRead | Memory.ProtWrite, MapShared, s_fd, (nint)offset);
        if (start < 0)
        {
            error = (int)start;
            return null;
        }

        if (!IsOpen)
        {
            Memory.Unmap((void*)start, (nuint)bytes); // of whatever file that is
            error = -Errno.EBADF;
            return null;
        }

        error = 0;
        return (void*)start;
    }

    /// <summary>Reads a part.</summary>
    /// <returns>How many bytes, or -errno.</returns>
    public static nint Read(byte* to, uint bytes, ulong offset) =>
        IsOpen ? Native.Syscall(SyscallNumber.Pread64, s_fd, (nint)to, (nint)bytes, (nint)offset) : -Errno.EBADF;

    /// <summary>Makes the file longer, and does not map the new part, which is zeros.</summary>
    /// <returns>0 or -errno; then nothing has changed.</returns>
    public static int Allocate(ulong bytes, out ulong offset)
    {
        offset = s_size;
        int error = CanGrow(bytes);
        error = error != 0 ? error : Allocate(bytes);
        s_size += error == 0 ? bytes : 0;
        return error;
    }

    /// <summary>Writes to a part that was allocated.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Write(byte* from, uint bytes, ulong offset)
    {
        while (bytes != 0)
        {
            if (!IsOpen)
            {
                return -Errno.EBADF;
            }

            nint written = Native.Syscall(SyscallNumber.Pwrite64, s_fd, (nint)from, (nint)bytes, (nint)offset);
            if (written == -Errno.EINTR)
            {
                continue;
            }

            if (written <= 0)
            {
                return written < 0 ? (int)written : -Errno.ENOSPC;
            }

            from += written;
            bytes -= (uint)written;
            offset += (ulong)written;
        }

        return 0;
    }

    /// <summary>Maps its first page once more. Null if that fails.</summary>
    public static void* MapFirstPage()
    {
        nint start = IsOpen ? Native.Syscall(SyscallNumber.Mmap, 0, Memory.PageSize, Memory.ProtRead | Memory.ProtWrite, MapShared, s_fd, 0) : -1;
        return start < 0 ? null : (void*)start;
    }

    private static int Allocate(ulong bytes)
    {
        int error = IsOpen ? 0 : -Errno.EBADF;
        if (error != 0)
        {
            return error;
        }

        do
        {
            error = (int)Native.Syscall(SyscallNumber.Fallocate, s_fd, 0, (nint)s_size, (nint)bytes);
        }
        while (error == -Errno.EINTR);

        return error is -Errno.EOPNOTSUPP or -Errno.ENOSYS ? WriteZeros(bytes) : error;
    }

    /// <summary>For file systems that cannot allocate: the blocks are there once they were written.</summary>
    private static int WriteZeros(ulong bytes)
    {
        byte* zeros = stackalloc byte[Memory.PageSize];
        new Span<byte>(zeros, Memory.PageSize).Clear();
        for (ulong at = 0; at < bytes;)
        {
            nint written = Native.Syscall(SyscallNumber.Pwrite64, s_fd, (nint)zeros, Memory.PageSize, (nint)(s_size + at));
            if (written == -Errno.EINTR)
            {
                continue;
            }

            if (written <= 0)
            {
                return written < 0 ? (int)written : -Errno.ENOSPC;
            }

            at += (ulong)written;
        }

        return 0;
    }

    public static void Close()
    {
        if (IsOpen)
        {
            ProcFile.Close(s_fd);
        }

        s_fd = -1;
    }

    /// <summary>Closes the file of a recording that was not begun, and removes it if it was created here.</summary>
    public static void Discard(byte* path)
    {
        byte* stat = stackalloc byte[StatSize];
        if (s_isCreated && Native.Syscall(SyscallNumber.Newfstatat, AtFdcwd, (nint)path, (nint)stat, NoFollow) == 0 && IsFile(stat))
        {
            Native.Syscall(SyscallNumber.Unlink, (nint)path);
        }

        Close();
    }
}
