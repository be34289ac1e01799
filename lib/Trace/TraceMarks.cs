using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>
/// Whether a thread is in the handler that its mark says. Signal handlers of the host's may leave by siglongjmp(), or go on on another
/// stack and come back, whatever they interrupted: then a mark stays, and nothing tells.
/// </summary>
/// <remarks>
/// <para>A handler is under way if the place of the mark is farther up on the stacks that the thread is in the middle of, and the
/// handler's return address is still there, or what was saved at an interruption of the code around it. It was left if not; if what
/// that code saved was overwritten; or if the place is below the stack pointer, on the thread's own stack or on the alternate one.
/// If none of that can be said, because contexts have stacks of their own, the mark is put aside: others wait for
/// the handler as before, until it has ended on whatever thread, and calls on this stack are traced.</para>
/// <para>Where it is in doubt the mark stays, and the call is not traced.</para>
/// </remarks>
[NoInstr]
internal static unsafe class TraceMarks
{
    /// <summary>In place of level 0: there are marks aside, and <see cref="Leave"/> has to be called.</summary>
    private const long OutsideWithAside = Offsets.TraceMarks_OutsideWithAside;

    private const int TurnsBetweenLooks = 1024;

    /// <summary>From Native/trace_entry.S: a traced call finds a mark, or wants to know whether its thread is in an NMI.</summary>
    /// <param name="thread">The calling thread's words.</param>
    /// <param name="frame">Where its registers are saved.</param>
    /// <returns>The level of nesting at which to mark; -1 if a handler is around.</returns>
    public static long Look(NmiThread* thread, ulong frame)
    {
        var record = (TraceThread*)thread->Tracer;
        record->Turns = TurnsBetweenLooks;
        ThreadStack stack = record->Stack;
        if (thread->Saved != NmiThread.Outside)
        {
            NmiLevels.CloseLeft(thread, ref stack, frame, ownContexts: 0);
        }

        int level = 0;
        for (ulong saved = thread->Saved >> 1; saved != 0; saved >>= 1)
        {
            level++;
        }

        // What is marked at deeper levels than this one has ended with them.
        record->Levels &= ~0ul >> (63 - level);
        bool around = level == 0 ? IsAround(record, ref stack, frame) : IsAround(record, ref stack, frame, level);
        record->StackLow = stack.Low;
        record->StackTop = stack.Top;
        return around ? -1 : level == 0 && record->Mark == TraceMark.LookAside ? OutsideWithAside : level;
    }

    /// <summary>From Native/trace_entry.S: a handler has ended, and its mark is not the only one.</summary>
    public static void Leave(NmiThread* thread, ulong mark)
    {
        TraceThread* record = TraceThreads.Of(thread);
        if (record != null && record->Mark == mark)
        {
            record->Mark = CountAside(record) ? TraceMark.LookAside : 0;
        }
        else if (record == null || !TakeFromAside(record, mark))
        {
            // Its stack has come from another thread.
            for (int i = 0; i < TraceThreads.Used; i++)
            {
                TraceThread* other = TraceThreads.Records + i;
                if (Volatile.Read(ref other->Claimed) == ClaimState.InUse && !TakeFromAside(other, mark))
                {
                    Interlocked.CompareExchange(ref other->Mark, 0, mark);
                }
            }
        }

        if (record != null)
        {
            Pause(record);
        }
    }

    /// <summary>A look from outside: the thread is stopped.</summary>
    /// <param name="record">The thread's.</param>
    /// <param name="stackPointer">Where it was stopped.</param>
    public static void LookAt(TraceThread* record, ulong stackPointer)
    {
        ThreadStack stack = record->Stack;
        ulong mark = record->Mark;
        if (mark > TraceMark.LookAside && Judge(mark, ref stack, stackPointer, itself: false) == MarkState.Left)
        {
            record->Mark = record->AsideCount != 0 ? TraceMark.LookAside : 0;
        }

        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            if (record->Aside[i] != 0 && Judge(record->Aside[i], ref stack, stackPointer, itself: false) == MarkState.Left)
            {
                record->Aside[i] = 0;
            }
        }

        ulong levels = record->Levels;
        for (int level = 1; level < 64 && levels >> level != 0; level++)
        {
            bool ended = record->Words->Saved >> level == 0;
            bool left = level <= TraceThread.MaxMarks && Judge(record->Marks[level - 1], ref stack, stackPointer, itself: false) == MarkState.Left;
            levels &= ended || left ? ~(1ul << level) : ~0ul;
        }

        record->Levels = levels;
        Pause(record);
    }

    /// <summary>True if the handler of a mark cannot be under way any more: other things are where it had its own.</summary>
    public static bool IsOverwritten(ulong mark) =>
        (mark & TraceMark.Library) == 0 && !(TryRead(TraceMark.StubPlace(mark), out ulong stub) && StubArea.IsStub(stub));

    private static bool IsAround(TraceThread* record, ref ThreadStack stack, ulong frame)
    {
        ulong mark = record->Mark;
        if (mark > TraceMark.LookAside)
        {
            MarkState state = Judge(mark, ref stack, frame, itself: true);
            if (state == MarkState.Around || (state == MarkState.Elsewhere && !PutAside(record, mark)))
            {
                return true;
            }

            Interlocked.CompareExchange(ref record->Mark, TraceMark.LookAside, mark); // aside first: who waits finds it in the one or the other
        }

        bool around = false;
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            ulong aside = record->Aside[i];
            if (aside == 0)
            {
                continue;
            }

            if (IsOverwritten(aside))
            {
                Interlocked.CompareExchange(ref record->Aside[i], 0, aside);
            }
            else if (aside > frame && HasReturn(aside))
            {
                // The thread may have come back to it.
                StackWalk walk = StackWalk.Run(ref stack, frame, TraceMark.AddressOf(aside));
                around |= walk.Reached;
            }
        }

        record->Mark = CountAside(record) ? TraceMark.LookAside : 0;
        if (!around)
        {
            Pause(record);
        }

        return around;
    }

    private static bool IsAround(TraceThread* record, ref ThreadStack stack, ulong frame, int level)
    {
        if ((record->Levels >> level & 1) == 0)
        {
            return false;
        }

        // Whoever is at this level is in its only handler: what is not around was left.
        if (level > TraceThread.MaxMarks || Judge(record->Marks[level - 1], ref stack, frame, itself: true) == MarkState.Around)
        {
            return true;
        }

        record->Levels &= ~(1ul << level);
        return false;
    }

    private static MarkState Judge(ulong mark, ref ThreadStack stack, ulong at, bool itself)
    {
        if ((mark & TraceMark.Library) != 0)
        {
            return MarkState.Around;
        }

        // The registers of this call are where those of that one were.
        ulong place = TraceMark.AddressOf(mark);
        if (itself && place + TraceMark.SmallestFrame > at && place < at + TraceMark.LargestFrame)
        {
            return MarkState.Left;
        }

        if (IsOverwritten(mark))
        {
            return MarkState.Left;
        }

        StackWalk walk = StackWalk.Run(ref stack, at, place);
        if (walk.Reached)
        {
            return walk.Interrupted || HasReturn(mark) ? MarkState.Around : MarkState.Left;
        }

        if (walk.IsCut)
        {
            return MarkState.Around;
        }

        bool below = stack.Contains(at) && place < at && stack.Contains(place);
        return below || (itself && IsOnAlternate(place, at)) ? MarkState.Left : MarkState.Elsewhere;
    }

    /// <summary>True if a place is on the alternate stack, and the thread is not, or farther up.</summary>
    private static bool IsOnAlternate(ulong place, ulong at)
    {
        AlternateStack stack = AlternateStack.Current;
        return stack.Contains(place) && (!stack.Contains(at) || at > place);
    }

    /// <summary>True if the handler has not returned: its return address is there.</summary>
    private static bool HasReturn(ulong mark)
    {
        ulong place = TraceMark.CallPlace(mark);
        return (TryRead((place & ~15ul) - sizeof(ulong), out ulong ip) && TraceText.IsReturn(ip))
            || (TryRead(((place - Native.Table->VectorsSize) & ~63ul) - sizeof(ulong), out ip) && TraceText.IsReturnWithVectors(ip));
    }

    /// <summary>A word of a stack that may be gone.</summary>
    private static bool TryRead(ulong address, out ulong word)
    {
        ulong read;
        var local = new Iovec { Base = (ulong)(&read), Length = sizeof(ulong) };
        var remote = new Iovec { Base = address, Length = sizeof(ulong) };
        nint got = Native.Syscall(SyscallNumber.ProcessVmReadv, Native.Syscall(SyscallNumber.Gettid), (nint)(&local), 1, (nint)(&remote), 1);
        if (got < 0 && got != -Errno.EFAULT && OwnMemory.CanRead(address))
        {
            read = *(ulong*)address; // a system that forbids the call
            got = sizeof(ulong);
        }

        word = got == sizeof(ulong) ? read : 0;
        return got == sizeof(ulong);
    }

    private static bool PutAside(TraceThread* record, ulong mark)
    {
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            if (record->Aside[i] == 0 || IsOverwritten(record->Aside[i]))
            {
                Volatile.Write(ref record->Aside[i], mark);
                record->AsideCount = 1;
                return true;
            }
        }

        return false;
    }

    private static bool TakeFromAside(TraceThread* record, ulong mark)
    {
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            if (Volatile.Read(ref record->Aside[i]) == mark && Interlocked.CompareExchange(ref record->Aside[i], 0, mark) == mark)
            {
                return true;
            }
        }

        return false;
    }

    private static bool CountAside(TraceThread* record)
    {
        record->AsideCount = 0;
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            record->AsideCount += Volatile.Read(ref record->Aside[i]) != 0 ? 1 : 0;
        }

        return record->AsideCount != 0;
    }

    private static void Pause(TraceThread* record)
    {
        if (!record->IsMarked)
        {
            Volatile.Write(ref record->Pauses, record->Pauses + 1);
        }
    }
}
