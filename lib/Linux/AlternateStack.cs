using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>stack_t</c>: the calling thread's stack for signal handlers, sigaltstack(2).</summary>
[StructLayout(LayoutKind.Sequential)]
[NoInstr]
internal unsafe struct AlternateStack
{
    private const int Disabled = 2; // SS_DISABLE: none is set, or a handler with SS_AUTODISARM is under way

    public ulong Start;
    private int _flags;
    public ulong Size;

    /// <summary>That of the calling thread; of size 0 if it has none.</summary>
    public static AlternateStack Current
    {
        get
        {
            AlternateStack current;
            nint error = Native.Syscall(SyscallNumber.Sigaltstack, 0, (nint)(&current));
            current.Size = error == 0 && (current._flags & Disabled) == 0 ? current.Size : 0;
            return current;
        }
    }

    public readonly bool Contains(ulong address) => address - Start < Size;
}
