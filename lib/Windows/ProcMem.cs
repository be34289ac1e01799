namespace Ftrace.Windows;

/// <summary>
/// There is no writer that leaves the pages as they are: WriteProcessMemory makes them writable itself, and a view of the same pages
/// elsewhere is not available, because the pages of an image are private once they are written.
/// </summary>
[NoInstr]
internal static unsafe class ProcMem
{
    /// <returns>-errno.</returns>
    public static int Write(int fd, ulong address, byte* bytes, uint count) => -Errno.EPERM;
}
