namespace Ftrace.Linux;

/// <summary>
/// /proc/self/mem: writes memory whatever its protection is, as a debugger does; private pages are copied on write.
/// </summary>
[NoInstr]
internal static unsafe class ProcMem
{
    private const int AtFdcwd = -100;
    private const int OpenReadWriteCloexec = 0x80002 | 0x800 | 0x100; // and O_NONBLOCK, O_NOCTTY, as ProcFile

    /// <summary>Opens it for the memory of the calling process; a child of fork(2) has to open its own.</summary>
    /// <returns>A descriptor or -errno.</returns>
    public static int Open()
    {
        // The thread's file: the process's is empty when the main thread has ended.
        fixed (byte* path = "/proc/thread-self/mem\0"u8)
        {
            return (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenReadWriteCloexec);
        }
    }

    /// <returns>0 or -errno; -EFAULT if not all bytes were written.</returns>
    public static int Write(int fd, ulong address, byte* bytes, uint count)
    {
        for (uint done = 0; done < count;)
        {
            nint written = Native.Syscall(SyscallNumber.Pwrite64, fd, (nint)(bytes + done), (nint)(count - done), (nint)(address + done));
            if (written <= 0)
            {
                return written < 0 ? (int)written : -Errno.EFAULT;
            }

            done += (uint)written;
        }

        return 0;
    }
}
