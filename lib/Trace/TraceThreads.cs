using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>The records of all threads that have called a traced function.</summary>
internal static unsafe class TraceThreads
{
    /// <summary>The number of records; threads without one are not traced.</summary>
    public const int Capacity = 65536;

    private static TraceThread* s_records;
    private static int s_used;
    private static int s_hand;

    [NoInstr]
    public static TraceThread* Records => s_records;

    /// <summary>Records from 0 to this one may be claimed.</summary>
    [NoInstr]
    public static int Used => Volatile.Read(ref s_used);

    /// <summary>Calls that were not traced for lack of a slot. What a thread has counted stays in its record when it has ended.</summary>
    public static ulong GraphOverruns
    {
        get
        {
            ulong sum = 0;
            for (int i = 0; i < Used; i++)
            {
                sum += Volatile.Read(ref s_records[i].GraphOverruns);
            }

            return sum;
        }
    }

    /// <summary>A thread's record; null if it has none.</summary>
    [NoInstr]
    public static TraceThread* Of(NmiThread* thread) =>
        (void*)thread->Tracer == Native.Table->NoTracer ? null : (TraceThread*)thread->Tracer;

    /// <summary>Reserves the memory.</summary>
    public static bool Reserve()
    {
        s_records = s_records != null ? s_records : (TraceThread*)Memory.Map((nuint)Capacity * (nuint)sizeof(TraceThread));
        return s_records != null;
    }

    /// <summary>Claims a record for the calling thread, in any context; null if none is free.</summary>
    /// <remarks>
    /// The child of vfork(2) is another process with this memory, which uses the words of the thread that waits for it. To the child all
    /// our threads seem to have ended, so it frees no record. A record that it claims stays with the waiting thread, whose id it does
    /// not know, so that record is never freed.
    /// </remarks>
    [NoInstr]
    public static TraceThread* Claim(NmiThread* thread)
    {
        ulong before = Volatile.Read(ref thread->Tracer);

        // Each new thread checks two records, so that those of threads that have ended do not pile up.
        int pid = (int)Native.Syscall(SyscallNumber.Getpid);
        bool shared = pid != StopState.Shared->Pid;
        int used = Volatile.Read(ref s_used);
        for (int reaped = 0; reaped < 2 && used > 0 && !shared; reaped++)
        {
            Reap(s_records + (uint)Interlocked.Increment(ref s_hand) % (uint)used, pid);
        }

        for (int i = 0; i < Capacity; i++)
        {
            TraceThread* record = s_records + i;
            if (!RecordClaim<X86Threads>.TryClaim(&record->Claimed))
            {
                continue;
            }

            record->Clear();
            record->Words = thread;
            record->StackLow = 0;
            record->StackTop = 0;
            record->CallsToRecheck = 0;
            used = Volatile.Read(ref s_used);
            while (used <= i && Interlocked.CompareExchange(ref s_used, i + 1, used) is int found && found != used)
            {
                used = found;
            }

            RecordClaim<X86Threads>.Publish(&record->Claimed, (uint*)&record->Tid, shared ? 0 : (int)Native.Syscall(SyscallNumber.Gettid));

            // A signal handler that interrupted this may have claimed one too. It has used that one, perhaps for events that are recorded.
            ulong tracer = Interlocked.CompareExchange(ref thread->Tracer, (ulong)record, before);
            if (tracer == before)
            {
                return record;
            }

            Volatile.Write(ref record->Claimed, ClaimState.Changing);
            record->Clear();
            RecordClaim<X86Threads>.Release(&record->Claimed);
            return (TraceThread*)tracer;
        }

        return null;
    }

    /// <summary>True if the calling thread is in a handler.</summary>
    [NoInstr]
    public static bool IsInHandler(NmiThread* self)
    {
        byte here;
        TraceThread* record = Of(self);
        return record != null && (record->Mark != 0 || record->Levels != 0) && TraceMarks.Look(self, (ulong)&here) < 0;
    }

    /// <summary>
    /// Marks the calling thread as being in a handler, so that its calls are not traced. For code of the host's that the library calls with
    /// locks held, which handlers may want. Thread context only, where the level is 0; NMIs are traced meanwhile.
    /// </summary>
    public static void BeginHandler(NmiThread* self)
    {
        TraceThread* record = Of(self);
        record = record != null ? record : Claim(self);
        if (record != null)
        {
            byte here;
            Volatile.Write(ref record->Mark, ((ulong)&here & ~3ul) | TraceMark.Library);
        }
    }

    /// <summary>Clears the mark. A thread without a record is not traced anyway.</summary>
    public static void EndHandler(NmiThread* self)
    {
        TraceThread* record = Of(self);
        if (record != null)
        {
            Volatile.Write(ref record->Mark, record->AsideCount != 0 ? TraceMark.LookAside : 0);
            record->QuiescentStates++;
        }
    }

    /// <summary>Frees a record if its thread has ended. True if it has.</summary>
    [NoInstr]
    public static bool Reap(TraceThread* record, int pid)
    {
        if (!RecordClaim<X86Threads>.TryReap(&record->Claimed, (uint*)&record->Tid, pid))
        {
            return false;
        }

        record->Clear();
        RecordClaim<X86Threads>.Release(&record->Claimed);
        return true;
    }

    /// <summary>In the child of a fork: frees the records of the other threads, which are not there.</summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        for (int i = 0; i < s_used; i++)
        {
            TraceThread* record = s_records + i;
            if ((ulong)record == self->Tracer)
            {
                record->Tid = (int)Native.Syscall(SyscallNumber.Gettid);
            }
            else
            {
                record->Clear();
                record->Claimed = ClaimState.Free;
            }
        }
    }
}
