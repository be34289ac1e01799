using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The file that a snapshot is written to.</summary>
internal static unsafe class SnapshotFile
{
    private const int Failed = -1;

    private static int s_fd = Failed;
    private static ulong s_size;
    private static byte* s_path;
    private static int s_error;

    /// <summary>How much was written, from the beginning.</summary>
    public static ulong Size => s_size;

    /// <summary>0, or -errno: what was written is incomplete.</summary>
    public static int Error => s_error;

    /// <summary>Creates it, with room for so many bytes.</summary>
    /// <param name="path">As for <see cref="TraceFilePath"/>; it is kept.</param>
    /// <param name="expected">How large it can get.</param>
    /// <returns>0 or -errno; then there is no such file.</returns>
    public static int Open(byte* path, ulong expected)
    {
        s_size = 0;
        s_error = 0;
        s_path = path;
        s_fd = TraceFilePath.Open(path);
        if (s_fd < 0)
        {
            return s_fd;
        }

        int error = expected > TraceFilePath.SizeLimit ? -Errno.EFBIG : (int)Native.Syscall(SyscallNumber.Fallocate, s_fd, 0, 0, (nint)expected);
        error = error is -Errno.EOPNOTSUPP or -Errno.EINTR ? 0 : error;
        if (error != 0)
        {
            Remove();
        }

        return error;
    }

    /// <summary>Adds bytes at the end. After an error nothing is written any more.</summary>
    public static void Add(void* from, ulong bytes)
    {
        Write(from, bytes, s_size);
        s_size += bytes;
    }

    public static void Write(void* from, ulong bytes, ulong offset)
    {
        if (s_error == 0 && offset + bytes > TraceFilePath.SizeLimit)
        {
            s_error = -Errno.EFBIG;
        }

        while (bytes != 0 && s_error == 0)
        {
            nint written = Native.Syscall(SyscallNumber.Pwrite64, s_fd, (nint)from, (nint)bytes, (nint)offset);
            if (written == -Errno.EINTR)
            {
                continue;
            }

            if (written <= 0)
            {
                s_error = written == 0 ? -Errno.ENOSPC : (int)written;
                return;
            }

            from = (byte*)from + written;
            bytes -= (ulong)written;
            offset += (ulong)written;
        }
    }

    /// <summary>Ends the file where it was written to.</summary>
    public static void Truncate() => Native.Syscall(SyscallNumber.Ftruncate, s_fd, (nint)s_size);

    /// <summary>Removes the file, unless the caller had opened it.</summary>
    public static void Remove()
    {
        if (TraceFilePath.IsDescriptor(s_path))
        {
            Native.Syscall(SyscallNumber.Ftruncate, s_fd, 0);
        }
        else
        {
            Native.Syscall(SyscallNumber.Unlink, (nint)s_path);
        }

        Close();
    }

    public static void Close()
    {
        ProcFile.Close(s_fd);
        s_fd = Failed;
    }
}
