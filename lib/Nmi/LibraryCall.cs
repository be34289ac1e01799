using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>Decides whether a thread may call the library: the C# part of <c>begin_call()</c> in Native/entry.c.</summary>
/// <remarks>
/// A call that holds locks runs with those signals blocked whose handlers might leave it by siglongjmp(). So a call that was left holds
/// nothing, and the only question is whether the thread is still in it.
/// </remarks>
[NoInstr]
internal static unsafe class LibraryCall
{
    /// <summary>The runtime has detached the thread.</summary>
    private const ulong Ended = Offsets.LibraryCall_Ended;

    /// <summary>In <see cref="NmiThread.Attached"/>: the thread is in C#.</summary>
    private const ulong Inside = Offsets.LibraryCall_Inside;

    /// <summary>The stack pointer of the calling thread when the host called the library: the return address is there.</summary>
    public static ulong CallerOf(NmiThread* self) => *(ulong*)(self->Busy + Offsets.LibraryCall_Caller);

    /// <returns>1 if the thread is neither in a handler nor in a call; levels and calls that it has left are then closed.</returns>
    public static int MayBegin(NmiThread* thread, ulong stackPointer)
    {
        if (thread->Saved != NmiThread.Outside && !NmiLevels.MayCall(thread, stackPointer))
        {
            return 0;
        }

        ulong call = thread->Busy;
        if (call == Ended || (thread->Attached & Inside) != 0)
        {
            return 0;
        }

        if (call != 0)
        {
            // The thread is still in the call if a handler has interrupted it.
            ThreadStack stack = ThreadStack.Of(thread);
            StackWalk walk = StackWalk.Run(ref stack, stackPointer, call);
            if (walk.IsTruncated || (call != stackPointer && walk.Reached && walk.Contexts != 0 && *(ulong*)call == (ulong)thread))
            {
                return 0;
            }

            thread->Busy = 0;
        }

        return 1;
    }

    /// <summary>
    /// Blocks the signals whose handlers may leave by siglongjmp(). Not the declared ones, whose handlers must not do that; nor the stop
    /// signal, or, before that is chosen, any signal that it may become.
    /// </summary>
    /// <param name="before">The mask before.</param>
    /// <returns>1; 0 in a stop window, where the mask is not changed: it may block more, until the window is closed.</returns>
    public static int BlockSignals(ulong* before)
    {
        StopState* stop = StopState.Shared;
        if (stop->Owner == (ulong)CurrentThread.Words)
        {
            return 0;
        }

        ulong open = stop->NmiSignals | SignalSet.Faults;
        if (stop->Signal != 0)
        {
            open |= SignalSet.Of(stop->Signal);
        }

        for (int signo = SignalSet.FirstRealTime; signo <= SignalSet.Count && stop->Signal == 0; signo++)
        {
            KernelSigaction action;
            KernelSigaction.Exchange(signo, null, &action);
            open |= action.Handler == KernelSigaction.Default ? SignalSet.Of(signo) : 0;
        }

        *before = SignalSet.BlockMore(~open);
        return 1;
    }
}
