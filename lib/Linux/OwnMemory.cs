namespace Ftrace.Linux;

/// <summary>
/// Accesses memory of this process that may raise a fault, whatever the memory map says: a guard that is part of a mapping
/// (MADV_GUARD_INSTALL, below the stacks of glibc 2.42), pages after the end of a truncated file, or pages with a protection key.
/// </summary>
internal static unsafe class OwnMemory
{
    private const nint NoSuchChange = -1;

    /// <summary>
    /// True if the page with this address can be read. The system call reads a word there before it finds that its first argument is
    /// invalid; no filter forbids this call.
    /// </summary>
    [NoInstr]
    public static bool CanRead(ulong address) =>
        address >= Memory.PageSize // the call reads nothing if the address is 0
        && Native.Syscall(SyscallNumber.RtSigprocmask, NoSuchChange, (nint)(address & ~7ul), 0, sizeof(ulong)) != -Errno.EFAULT;

    /// <summary>Writes a word, unless its page is not writable. If the system forbids the call, it is written by a plain store.</summary>
    public static void Write(ulong address, ulong word)
    {
        var local = new Iovec { Base = (ulong)(&word), Length = sizeof(ulong) };
        var remote = new Iovec { Base = address, Length = sizeof(ulong) };
        nint self = Native.Syscall(SyscallNumber.Gettid); // not the process: its main thread may have ended
        nint put = Native.Syscall(SyscallNumber.ProcessVmWritev, self, (nint)(&local), 1, (nint)(&remote), 1);
        if (put < 0 && put != -Errno.EFAULT)
        {
            *(ulong*)address = word;
        }
    }
}
