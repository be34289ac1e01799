using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>
/// The stack that a thread began with, as far as it has been found to be readable without a gap. What is below the stack pointer on
/// this stack is not in use any more. For other stacks, as setcontext() uses them, this is not known.
/// </summary>
/// <remarks>
/// The C library puts a thread's words at the top of its stack. The words of the first thread are elsewhere, but the kernel leaves
/// data at the top of its stack (AT_RANDOM).
/// </remarks>
[NoInstr]
internal unsafe struct ThreadStack
{
    private const ulong MaxSize = 64 << 20;
    private const ulong PageMask = Memory.PageSize - 1;

    public ulong Low;
    public ulong Top;
    private ulong _words;

    public static ThreadStack Of(NmiThread* words) => Of(words, 0, 0);

    /// <summary>The same with bounds that were found before.</summary>
    public static ThreadStack Of(NmiThread* words, ulong low, ulong top) => new() { _words = TopOf(words), Low = low, Top = top };

    /// <summary>Stacks that the program has mapped may lie right below the words of the first thread.</summary>
    private static ulong TopOf(NmiThread* words) => words == Native.Table->FirstWords ? Native.Table->StackTop : (ulong)words;

    /// <summary>True for an address on this stack.</summary>
    public bool Contains(ulong address)
    {
        if (Top != 0)
        {
            return (address >= Low && address < Top) || Reach(address, Top);
        }

        return Reach(address, _words) || Reach(address, Native.Table->StackTop);
    }

    private bool Reach(ulong address, ulong top)
    {
        ulong known = Top != 0 ? Low : (top - 1) & ~PageMask;
        ulong page = address & ~PageMask;
        if (address < Memory.PageSize || address >= top || top - address > MaxSize)
        {
            return false;
        }

        // From the known part down: what is found is known from then on, and other stacks are below a gap.
        while (page < known && OwnMemory.CanRead(known - Memory.PageSize))
        {
            known -= Memory.PageSize;
        }

        bool reached = known <= page;
        if (reached || Top != 0)
        {
            Low = known;
            Top = top;
        }

        return reached;
    }
}
