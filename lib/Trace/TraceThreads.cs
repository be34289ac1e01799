using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>The records of all threads that have come to a handler.</summary>
internal static unsafe class TraceThreads
{
    /// <summary>Threads; those beyond are not traced.</summary>
    public const int Capacity = 65536;

    private static TraceThread* s_records;
    private static int s_used;

    [NoInstr]
    public static TraceThread* Records => s_records;

    /// <summary>Records from 0 to this one may be claimed.</summary>
    [NoInstr]
    public static int Used => Volatile.Read(ref s_used);

    /// <summary>Reserves the memory.</summary>
    public static bool Reserve()
    {
        s_records = s_records != null ? s_records : (TraceThread*)Memory.Map((nuint)Capacity * (nuint)sizeof(TraceThread));
        return s_records != null;
    }

    /// <summary>A record for the calling thread, in whatever context; null if there is none left.</summary>
    [NoInstr]
    public static TraceThread* Claim(NmiThread* thread)
    {
        for (int i = 0; i < Capacity; i++)
        {
            TraceThread* record = s_records + i;
            if (Volatile.Read(ref record->Claimed) != 0 || Interlocked.CompareExchange(ref record->Claimed, 1u, 0u) != 0)
            {
                continue;
            }

            record->Tid = (int)Native.Syscall(SyscallNumber.Gettid);
            int used = Volatile.Read(ref s_used);
            while (used <= i && Interlocked.CompareExchange(ref s_used, i + 1, used) is int found && found != used)
            {
                used = found;
            }

            // A handler that came in between has claimed one too: that one goes with the thread.
            thread->Tracer = (ulong)record;
            return record;
        }

        return null;
    }

    /// <summary>True if the calling thread is in a handler.</summary>
    public static bool IsInHandler(NmiThread* self) => self->Tracer != 0 && ((TraceThread*)self->Tracer)->Levels != 0;

    /// <summary>Takes back the record of a thread that has ended. True if it has.</summary>
    public static bool Reap(TraceThread* record, int pid)
    {
        if (Native.Syscall(SyscallNumber.Tgkill, pid, record->Tid, 0) != -Errno.ESRCH)
        {
            return false;
        }

        record->Levels = 0;
        Volatile.Write(ref record->Claimed, 0);
        return true;
    }

    /// <summary>In the child of a fork only this thread is there.</summary>
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
                record->Levels = 0;
                record->Claimed = 0;
            }
        }
    }
}
