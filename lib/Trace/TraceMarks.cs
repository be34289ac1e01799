using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>
/// Finds out whether a thread is still in the handler that its mark belongs to. A signal handler of the host's may leave by siglongjmp(),
/// or switch to another stack and come back, whatever it interrupted: then a mark is left.
/// </summary>
/// <remarks>
/// <para>The handler is still running if the address of the mark is farther up on one of the stacks that the thread will return to, and
/// the handler's return address is still there, or the context of an interruption of trace_entry.S is. Otherwise it was left. It was also
/// left if what trace_entry.S saved has been overwritten, or if the address is below the stack pointer, on the thread's own stack or on
/// the alternate one. If neither can be shown, because contexts have stacks of their own, the mark is put aside: grace periods wait for
/// the handler as before, until it has ended on whatever thread, and calls on this stack are traced.</para>
/// <para>In doubt the mark stays, and the call is not traced.</para>
/// </remarks>
[NoInstr]
internal static unsafe class TraceMarks
{
    /// <summary>Returned instead of level 0 if there are marks aside: <see cref="Leave"/> has to be called.</summary>
    private const long OutsideWithAside = Offsets.TraceMarks_OutsideWithAside;

    private const int CallsPerRecheck = 1024;

    /// <summary>Called by Native/trace_entry.S: a traced call has found a mark, or has to know whether its thread is in an NMI.</summary>
    /// <param name="thread">The calling thread's words.</param>
    /// <param name="frame">Where its registers are saved.</param>
    /// <returns>The level of nesting at which to mark; -1 if the call comes from a handler.</returns>
    public static long Look(NmiThread* thread, ulong frame)
    {
        var record = (TraceThread*)thread->Tracer;
        record->CallsToRecheck = CallsPerRecheck;
        ThreadStack stack = record->Stack;
        if (thread->Saved != NmiThread.Outside)
        {
            NmiLevels.CloseAbandoned(thread, ref stack, frame, ownContexts: 0);
        }

        int level = 0;
        for (ulong saved = thread->Saved >> 1; saved != 0; saved >>= 1)
        {
            level++;
        }

        // Handlers marked at deeper levels have ended with those levels.
        record->Levels &= ~0ul >> (63 - level);
        bool around = level == 0 ? IsAround(record, ref stack, frame) : IsAround(record, ref stack, frame, level);
        record->StackLow = stack.Low;
        record->StackTop = stack.Top;
        if (around)
        {
            return -1;
        }

        return level == 0 && record->Mark == TraceMark.LookAside ? OutsideWithAside : level;
    }

    /// <summary>Called by Native/trace_entry.S: a handler has ended, and its mark is not the only one.</summary>
    public static void Leave(NmiThread* thread, ulong mark)
    {
        TraceThread* record = TraceThreads.Of(thread);
        if (record != null && record->Mark == mark)
        {
            record->Mark = CountAside(record) ? TraceMark.LookAside : 0;
        }
        else if (record == null || !TakeFromAside(record, mark))
        {
            // The stack has moved to this thread from another one.
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
            NoteQuiescent(record);
        }
    }

    /// <summary>Examines the marks of a thread that is stopped.</summary>
    /// <param name="record">The thread's.</param>
    /// <param name="stackPointer">Where it was stopped.</param>
    public static void LookAt(TraceThread* record, ulong stackPointer)
    {
        ThreadStack stack = record->Stack;
        ulong mark = record->Mark;
        if (mark > TraceMark.LookAside && Classify(mark, ref stack, stackPointer, MarkObserver.Stopper) == MarkState.Left)
        {
            record->Mark = record->AsideCount != 0 ? TraceMark.LookAside : 0;
        }

        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            if (record->Aside[i] != 0 && Classify(record->Aside[i], ref stack, stackPointer, MarkObserver.Stopper) == MarkState.Left)
            {
                record->Aside[i] = 0;
            }
        }

        ulong levels = record->Levels;
        for (int level = 1; level < 64 && levels >> level != 0; level++)
        {
            bool ended = record->Words->Saved >> level == 0;
            bool left = level <= TraceThread.MaxMarks && Classify(record->Marks[level - 1], ref stack, stackPointer, MarkObserver.Stopper) == MarkState.Left;
            levels &= ended || left ? ~(1ul << level) : ~0ul;
        }

        record->Levels = levels;
        NoteQuiescent(record);
    }

    /// <summary>True if the handler of a mark cannot be running any more: what trace_entry.S saved has been overwritten.</summary>
    public static bool IsOverwritten(ulong mark) =>
        (mark & TraceMark.Library) == 0
        && !(TryRead(TraceMark.StubAddress(mark), out ulong stub) && (StubArea.IsStub(stub) || GraphText.IsSlot(stub)));

    private static bool IsAround(TraceThread* record, ref ThreadStack stack, ulong frame)
    {
        ulong mark = record->Mark;
        if (mark > TraceMark.LookAside)
        {
            MarkState state = Classify(mark, ref stack, frame, MarkObserver.Self);
            if (state == MarkState.Around || (state == MarkState.Elsewhere && !PutAside(record, mark)))
            {
                return true;
            }

            Interlocked.CompareExchange(ref record->Mark, TraceMark.LookAside, mark); // aside first: a waiter finds it in one or the other
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
            NoteQuiescent(record);
        }

        return around;
    }

    private static bool IsAround(TraceThread* record, ref ThreadStack stack, ulong frame, int level)
    {
        if ((record->Levels >> level & 1) == 0)
        {
            return false;
        }

        // A level has one handler: if the thread is not in it, it was left.
        if (level > TraceThread.MaxMarks || Classify(record->Marks[level - 1], ref stack, frame, MarkObserver.Self) == MarkState.Around)
        {
            return true;
        }

        record->Levels &= ~(1ul << level);
        return false;
    }

    private static MarkState Classify(ulong mark, ref ThreadStack stack, ulong at, MarkObserver observer)
    {
        if ((mark & TraceMark.Library) != 0)
        {
            return MarkState.Around;
        }

        // The registers of this call overlap with what the marked call saved.
        ulong address = TraceMark.AddressOf(mark);
        if (observer == MarkObserver.Self && address + TraceMark.SmallestFrame > at && address < at + TraceMark.LargestFrame)
        {
            return MarkState.Left;
        }

        if (IsOverwritten(mark))
        {
            return MarkState.Left;
        }

        StackWalk walk = StackWalk.Run(ref stack, at, address);
        if (walk.Reached)
        {
            return walk.Interrupted || HasReturn(mark) ? MarkState.Around : MarkState.Left;
        }

        if (walk.IsTruncated)
        {
            return MarkState.Around;
        }

        bool below = stack.Contains(at) && address < at && stack.Contains(address);
        return below || (observer == MarkObserver.Self && IsOnAlternate(address, at)) ? MarkState.Left : MarkState.Elsewhere;
    }

    /// <summary>True if an address is on the alternate stack, and the thread is on another stack, or farther up on this one.</summary>
    private static bool IsOnAlternate(ulong address, ulong at)
    {
        AlternateStack stack = AlternateStack.Current;
        return stack.Contains(address) && (!stack.Contains(at) || at > address);
    }

    /// <summary>True if the handler has not returned: its return address is there.</summary>
    private static bool HasReturn(ulong mark)
    {
        ulong address = TraceMark.CallFrame(mark);
        return (TryRead((address & ~15ul) - sizeof(ulong), out ulong ip) && TraceText.IsReturn(ip))
            || (TryRead(((address - Native.Table->VectorsSize) & ~63ul) - sizeof(ulong), out ip) && TraceText.IsReturnWithVectors(ip));
    }

    /// <summary>A word of a stack that may be gone.</summary>
    public static bool TryRead(ulong address, out ulong word)
    {
        ulong read;
        var local = new Iovec { Base = (ulong)(&read), Length = sizeof(ulong) };
        var remote = new Iovec { Base = address, Length = sizeof(ulong) };
        nint got = Native.Syscall(SyscallNumber.ProcessVmReadv, Native.Syscall(SyscallNumber.Gettid), (nint)(&local), 1, (nint)(&remote), 1);
        if (got < 0 && got != -Errno.EFAULT && OwnMemory.CanRead(address))
        {
            read = *(ulong*)address; // the system forbids the call
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

    private static void NoteQuiescent(TraceThread* record)
    {
        if (!record->IsMarked)
        {
            Volatile.Write(ref record->QuiescentStates, record->QuiescentStates + 1);
        }
    }
}
