using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>
/// Closes levels of NMI nesting that were left without ftrace_nmi_exit(): a signal handler of the host's interrupted a bracketed one, and
/// left by siglongjmp(). A level is no more than a bit, so the thread's stack has to show it: if no handler is running, the
/// thread is in no level.
/// </summary>
/// <remarks>
/// <para>A bracket in ordinary code looks the same. Closing it does no harm: ordinary code is stopped while code is modified. But a call
/// inside of such a bracket should fail, so it is refused twice, unless the remainder of a handler shows that a handler was left.</para>
/// <para>A stop may interrupt the thread anywhere in such a bracket, also on its way in or out, where the level is not counted yet or no
/// longer: if it was closed there, it would be counted twice. So a stop closes only a level that was certainly left: a handler has at least a
/// signal frame between itself and what it interrupted, and a jump out of it leads above that frame, or to another stack.</para>
/// </remarks>
[NoInstr]
internal static unsafe class NmiLevels
{
    private const ulong SearchDepth = 64 * 1024;

    // In NmiThread.Attached: flags, then how many calls in a row were refused because of the same saved word, then 48 bits of a hash of
    // that word.
    private const ulong FlagMask = 0xff;
    private const ulong CountMask = 0xff00;
    private const int CountShift = 8;
    private const int WordShift = 16;
    private const ulong GoldenRatio = 0x9e3779b97f4a7c15; // 2^64 by the golden ratio

    private const ulong MaxRefusals = 2;

    /// <summary>No signal frame is smaller, and no function that brackets ordinary code is expected to use as much stack.</summary>
    private const ulong SignalFrameSize = 1024;

    /// <summary>Closes all levels if the thread is in no handler. True if it has closed them.</summary>
    /// <param name="thread">The calling thread's words.</param>
    /// <param name="stack">Its own stack.</param>
    /// <param name="stackPointer">Its stack pointer.</param>
    /// <param name="ownContexts">How many contexts are the library's own: 1 in the handler of the stop signal.</param>
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

    /// <summary>Called when a thread calls the library, and its words say that it is in an NMI. True if it is not.</summary>
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
    /// Called in the handler of the stop signal, when a stop was deferred because the thread is in an announced NMI. If that NMI was left,
    /// closes it, and the thread parks.
    /// </summary>
    /// <param name="thread">Its words.</param>
    /// <param name="stackPointer">The stack pointer when the signal came.</param>
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

    /// <summary>Does what the missing exits would have done, except for the signal mask, which the jump has set.</summary>
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

    /// <summary>True if a context is below the stack pointer, or on the alternate stack: the remainder of a handler.</summary>
    private static bool HasStaleContext(ref ThreadStack stack, ulong stackPointer)
    {
        AlternateStack alternate = AlternateStack.Current;
        return HasContext(alternate.Start, alternate.Start + alternate.Size)
            || (stack.Contains(stackPointer) && HasContext(stackPointer - SearchDepth, stackPointer));
    }

    /// <summary>Searches downwards, as far as there is memory.</summary>
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
