namespace Ftrace.Linux;

/// <summary>
/// Memory of this process that a load or a store may not be able to reach, whatever the memory map says: a guard that is part of a
/// mapping (MADV_GUARD_INSTALL, under the stacks of glibc 2.42), what is behind the end of a file that was cut, or has a protection key.
/// </summary>
internal static unsafe class OwnMemory
{
    private const nint NoSuchChange = -1;

    /// <summary>
    /// True if the page with this address can be read. A call that reads a word there before it finds the rest of its arguments wrong
    /// is one that no system forbids.
    /// </summary>
    [NoInstr]
    public static bool CanRead(ulong address) =>
        address >= Memory.PageSize // 0 is no place to read from, but the wish not to read
        && Native.Syscall(SyscallNumber.RtSigprocmask, NoSuchChange, (nint)(address & ~7ul), 0, sizeof(ulong)) != -Errno.EFAULT;

    /// <summary>Writes a word. What cannot be written stays, unless the system forbids to find that out.</summary>
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
