using System;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The file: how it is created, how it grows, and its mapping. Blocks are allocated before they are mapped, so that writing never fails.</summary>
internal static unsafe class RecordFile
{
    private const int MapShared = 1;

    private static int s_fd = -1;
    private static ulong s_size;
    private static ulong s_maxSize;

    /// <summary>How large the file may get, in bytes.</summary>
    public static ulong MaxSize => s_maxSize;

    /// <summary>How large it is.</summary>
    public static ulong Size => s_size;

    /// <summary>Its descriptor.</summary>
    public static int Descriptor => s_fd;

    /// <summary>Opens the file. A path must not exist yet; a descriptor must be of an empty file.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Open(byte* path, ulong maxSize)
    {
        s_size = 0;
        s_maxSize = maxSize;
        s_fd = TraceFilePath.Open(path);
        return s_fd < 0 ? s_fd : 0;
    }

    /// <summary>Makes the file longer, and maps the new part. Null if the file cannot grow; then nothing has changed.</summary>
    /// <param name="bytes">How much, a multiple of the block size.</param>
    /// <param name="error">0 or -errno: -EFBIG at the greatest size, or at RLIMIT_FSIZE, which would end the process.</param>
    public static void* Grow(ulong bytes, out int error)
    {
        error = s_size + bytes > s_maxSize || s_size + bytes > TraceFilePath.SizeLimit ? -Errno.EFBIG : 0;
        error = error != 0 ? error : Allocate(bytes);
        if (error != 0)
        {
            return null;
        }

        void* start = Map(s_size, bytes);
        error = start == null ? -Errno.ENOMEM : 0;
        s_size += start == null ? 0 : bytes;
        return start;
    }

    /// <summary>Maps a part. Null if there is no address space.</summary>
    public static void* Map(ulong offset, ulong bytes)
    {
        nint start = Native.Syscall(SyscallNumber.Mmap, 0, (nint)bytes, Memory.ProtRead | Memory.ProtWrite, MapShared, s_fd, (nint)offset);
        return start < 0 ? null : (void*)start;
    }

    private static int Allocate(ulong bytes)
    {
        int error;
        do
        {
            error = (int)Native.Syscall(SyscallNumber.Fallocate, s_fd, 0, (nint)s_size, (nint)bytes);
        }
        while (error == -Errno.EINTR);

        return error == -Errno.EOPNOTSUPP ? WriteZeros(bytes) : error;
    }

    /// <summary>For file systems that cannot allocate: the blocks are there once they were written.</summary>
    private static int WriteZeros(ulong bytes)
    {
        byte* zeros = stackalloc byte[Memory.PageSize];
        new Span<byte>(zeros, Memory.PageSize).Clear();
        for (ulong at = 0; at < bytes;)
        {
            nint written = Native.Syscall(SyscallNumber.Pwrite64, s_fd, (nint)zeros, Memory.PageSize, (nint)(s_size + at));
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
        if (s_fd >= 0)
        {
            ProcFile.Close(s_fd);
            s_fd = -1;
        }
    }
}
