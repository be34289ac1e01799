using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>
/// Levels of NMI nesting that were left without ftrace_nmi_exit(): a signal handler of the host's interrupted a bracketed one, and left by
/// siglongjmp(). The gate keeps no more of a level than a bit, so what tells is the thread's stack: where no handler
/// is under way, no level is.
/// </summary>
/// <remarks>
/// <para>A bracket in ordinary code looks the same. Nothing is lost by closing it: ordinary code is stopped while code is modified. But it would be
/// a surprise to find a call inside of it carried out, so that is refused twice, unless remainders of a handler tell.</para>
/// <para>A stop may find the thread anywhere in such a bracket, on its way in or out too, where the level is not counted yet or no
/// longer: closed there, it would be counted twice. So a stop closes only what was certainly left: a handler has at least a signal frame
/// between itself and what it interrupted, and a jump out of it leads above that, or to another stack.</para>
/// </remarks>
[NoInstr]
internal static unsafe class NmiLevels
{
    private const ulong SearchDepth = 64 * 1024;

    // In NmiThread.Attached: flags, then how often a call was refused in a row because of the same saved word, then 48 bits of that,
    // scattered: mostly a single bit is set in it.
    private const ulong FlagMask = 0xff;
    private const ulong CountMask = 0xff00;
    private const int CountShift = 8;
    private const int WordShift = 16;
    private const ulong GoldenRatio = 0x9e3779b97f4a7c15; // 2^64 by the golden ratio

    private const ulong MaxRefusals = 2;

    /// <summary>No signal frame is smaller; no function that brackets ordinary code is expected to need as much.</summary>
    private const ulong SignalFrameSize = 1024;

    /// <summary>Closes all levels if the thread is in no handler. True if so.</summary>
    /// <param name="thread">The calling thread's words.</param>
    /// <param name="stack">Its own stack.</param>
    /// <param name="stackPointer">Where it is.</param>
    /// <param name="ownContexts">1 in the handler of the stop signal, which counts as one.</param>
    public static bool CloseAbandoned(NmiThread* thread, ref ThreadStack stack, ulong stackPointer, int ownContexts)
    {
        StackWalk walk = StackWalk.Run(ref stack, stackPointer, 0, maxContexts: ownContexts + 1);
        if (walk.Contexts > ownContexts || walk.IsTruncated)
        {
            return false;
        }

        Close(thread);
        return true;
    }

    /// <summary>A thread calls the library, and its words say that it is in an NMI. True if it is not.</summary>
    public static bool MayCall(NmiThread* thread, ulong stackPointer)
    {
        ThreadStack stack = ThreadStack.Of(thread);
        StackWalk walk = StackWalk.Run(ref stack, stackPointer, 0, maxContexts: 1);
        if (walk.Contexts != 0 || walk.IsTruncated)
        {
            return false;
        }

        ulong last = thread->Attached >> WordShift;
        ulong word = thread->Saved * GoldenRatio >> WordShift;
        ulong count = last == word ? (thread->Attached & CountMask) >> CountShift : 0;
        if (count < MaxRefusals && !HasStaleContext(ref stack, stackPointer))
        {
            thread->Attached = (thread->Attached & FlagMask) | (count + 1) << CountShift | word << WordShift;
            return false;
        }

        Close(thread);
        return true;
    }

    /// <summary>
    /// A stop has come in an announced NMI and was only noted. If the NMI was left, it ends here instead, and the thread parks.
    /// Called in the handler of the stop signal.
    /// </summary>
    /// <param name="thread">Its words.</param>
    /// <param name="stackPointer">Where its stack ended when the signal came.</param>
    public static void OnDeferredStop(NmiThread* thread, ulong stackPointer)
    {
        byte here;
        ThreadStack stack = ThreadStack.Of(thread);
        ulong at = thread->AnnouncedAt;
        if (at != 0 && (stackPointer >= at + SignalFrameSize || stack.Contains(at) != stack.Contains(stackPointer)))
        {
            CloseAbandoned(thread, ref stack, (ulong)&here, ownContexts: 1);
        }
    }

    /// <summary>As the exits that did not come, but for the mask of signals, which the jump has set.</summary>
    private static void Close(NmiThread* thread)
    {
        thread->Unblocked = 0;
        thread->Attached &= FlagMask;
        while (thread->Saved > NmiThread.Outside)
        {
            if ((thread->Saved & 1) != 0)
            {
                X86Nmi.ExitSlow(thread);
            }
            else
            {
                thread->Saved >>= 1;
            }
        }

        thread->Saved = NmiThread.Outside; // 0 if there were more levels than bits
    }

    /// <summary>True if a context is below the stack pointer, or on the alternate stack: of a handler that ended not long ago.</summary>
    private static bool HasStaleContext(ref ThreadStack stack, ulong stackPointer)
    {
        AlternateStack alternate = AlternateStack.Current;
        return HasContext(alternate.Start, alternate.Start + alternate.Size)
            || (stack.Contains(stackPointer) && HasContext(stackPointer - SearchDepth, stackPointer));
    }

    /// <summary>Downwards, as far as there is memory.</summary>
    private static bool HasContext(ulong from, ulong to)
    {
        ulong known = to & ~7ul;
        for (ulong at = (to & ~7ul) - (ulong)Ucontext.RegistersEnd; at >= from && at < to; at -= sizeof(ulong))
        {
            if (at < known)
            {
                ulong page = at & ~(Memory.PageSize - 1ul);
                if (!OwnMemory.CanRead(at))
                {
                    return false;
                }

                known = page;
            }

            if (Ucontext.MayBeSaved(at))
            {
                return true;
            }
        }

        return false;
    }
}
