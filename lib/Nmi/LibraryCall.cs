using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>Whether a thread may call the library: <c>begin_call()</c> in Native/entry.c.</summary>
/// <remarks>
/// A call that holds something runs with signals blocked whose handlers might leave it by siglongjmp(). So one that was left holds
/// nothing, and all there is to find out is whether the thread is in it still.
/// </remarks>
[NoInstr]
internal static unsafe class LibraryCall
{
    /// <summary>The runtime has let go of the thread.</summary>
    private const ulong Ended = Offsets.LibraryCall_Ended;

    /// <summary>In <see cref="NmiThread.Attached"/>: the thread is in C#.</summary>
    private const ulong Inside = Offsets.LibraryCall_Inside;

    /// <returns>1 if the thread is neither in a handler nor in a call; what was left of them is closed then.</returns>
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
            // Around it there is a handler that has interrupted it.
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
    /// Blocks the signals whose handlers may leave. Not the declared ones, whose must not; nor that of the stop: before it is chosen,
    /// none that it may become.
    /// </summary>
    /// <param name="before">The mask before.</param>
    /// <returns>0 in a stop window, where nothing is changed: more may be blocked there, until it is closed.</returns>
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
