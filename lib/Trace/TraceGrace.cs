using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Stop;

namespace Ftrace.Trace;

/// <summary>
/// Waits until no thread is in a handler any more that it entered before. As userspace-rcu's membarrier flavour: the side that
/// waits pays for the barrier.
/// </summary>
/// <remarks>
/// <code>
/// thread, in trace_entry.S              here, after the handler was taken out of the table
/// mark: Levels = ...                    membarrier                                [A]
/// (compiler and CPU may swap)           read Levels
/// read the table
/// </code>
/// The membarrier falls between some two instructions of the thread. If that is behind the mark, we see the mark and wait; if
/// it is in front of it, the thread reads the table after that, and finds the handler gone.
/// </remarks>
internal static unsafe class TraceGrace
{
    private const int LooksBeforeSleep = 64;
    private const long SleepNs = Clock.NsPerMs / 10;

    /// <returns>0, or the error of the stop that takes the place of a membarrier where there is none.</returns>
    public static int Wait(NmiThread* self)
    {
        int error = Barrier(self);
        if (error != 0)
        {
            return error;
        }

        int pid = (int)Native.Syscall(SyscallNumber.Getpid);
        for (int i = 0; i < TraceThreads.Used; i++)
        {
            TraceThread* record = TraceThreads.Records + i;
            if (Volatile.Read(ref record->Claimed) != 0)
            {
                WaitFor(record, pid);
            }
        }

        return 0;
    }

    private static void WaitFor(TraceThread* record, int pid)
    {
        ulong pauses = Volatile.Read(ref record->Pauses);
        for (int looks = 0; Volatile.Read(ref record->Levels) != 0 && Volatile.Read(ref record->Pauses) == pauses; looks++)
        {
            if (looks < LooksBeforeSleep)
            {
                Native.Syscall(SyscallNumber.SchedYield);
            }
            else if (!TraceThreads.Reap(record, pid))
            {
                Clock.Sleep(SleepNs);
            }
        }
    }

    private static int Barrier(NmiThread* self)
    {
        if (StopMachine.HasSyncCore(&SharedState.Get->Stop) && Membarrier.SyncCore())
        {
            return 0;
        }

        int error = StopMachine.Open(self, StopMachine.DefaultTimeoutMs);
        if (error == 0)
        {
            StopMachine.Close();
        }

        return error;
    }
}
