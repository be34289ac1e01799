using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>
/// The stack that a thread began with, as far as it has been seen to be readable without a gap. What the thread has below its
/// stack pointer there is gone; of other stacks, which contexts of setcontext() use, nobody can tell.
/// </summary>
/// <remarks>
/// The C library puts a thread's words at the top of its stack. Those of the first thread are elsewhere, but the kernel leaves
/// something at the top of its.
/// </remarks>
[NoInstr]
internal unsafe struct ThreadStack
{
    private const ulong MaxSize = 64 << 20;
    private const ulong PageMask = Memory.PageSize - 1;

    public ulong Low;
    public ulong Top;
    private ulong _words;

    public static ThreadStack Of(NmiThread* words) => new() { _words = (ulong)words };

    /// <summary>With what has been seen of it before.</summary>
    public static ThreadStack Of(NmiThread* words, ulong low, ulong top) => new() { _words = (ulong)words, Low = low, Top = top };

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

        for (ulong at = page; at < known; at += Memory.PageSize)
        {
            if (!OwnMemory.CanRead(at))
            {
                return false;
            }
        }

        Low = page;
        Top = top;
        return true;
    }
}
