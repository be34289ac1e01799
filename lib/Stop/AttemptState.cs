using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>What the parts of <see cref="StopAttempt"/> share: facts about the attempt, and its counts. Called with the stop mutex held.</summary>
internal static unsafe class AttemptState
{
    /// <summary>Counts stops, those that fail too: all attempts of one have the same number.</summary>
    public static uint StopNumber { get; private set; }

    /// <summary>There is a stop signal; else all threads have to be seized.</summary>
    public static bool HasSignal { get; private set; }

    /// <summary>The patcher's thread id.</summary>
    public static int Self { get; private set; }

    /// <summary>The main thread has ended, and is still listed.</summary>
    [NoInstr]
    public static bool LeaderEnded { get; set; }

    /// <summary>Threads that were sent a signal, or park on their way out of an NMI, and have not ended.</summary>
    public static uint Requested { get; set; }

    /// <summary>Threads that are stopped by ptrace(2).</summary>
    public static uint Seized { get; private set; }

    /// <summary>Kernel threads of the process: they are not stopped.</summary>
    public static uint KernelWorkers { get; set; }

    /// <summary>Generation of the last stop that succeeded; 0: there is none.</summary>
    [NoInstr]
    public static uint LastGeneration { get; private set; }

    /// <summary>When it ended.</summary>
    public static long LastNs { get; private set; }

    /// <summary>When the threads were let go in the last attempt that asked any, whether it succeeded or not.</summary>
    public static long EndedNs { get; set; }

    /// <summary>Begins to count.</summary>
    public static void Begin(bool isFirst, bool hasSignal)
    {
        StopNumber += isFirst ? 1u : 0;
        HasSignal = hasSignal;
        Self = (int)Native.Syscall(SyscallNumber.Gettid);
        Requested = 0;
        Seized = 0;
        KernelWorkers = 0;
    }

    /// <summary>The stop has ended. The threads that parked in it are known to take the signal.</summary>
    public static void NoteSuccess(StopState* stop, long now)
    {
        LastGeneration = stop->Generation - 1;
        LastNs = now;
    }

    /// <summary>Threads that are in the attempt.</summary>
    public static long Counted => Requested + Seized + KernelWorkers;

    /// <summary>The patcher, and a main thread that has ended: threads of the process without a record.</summary>
    public static int WithoutRecord => LeaderEnded ? 2 : 1;

    /// <summary>True for the record of a thread that is not the patcher.</summary>
    public static bool IsOther(ThreadRecord* record) => record->Tid != 0 && record->Tid != Self;

    /// <summary>How many threads the process has if the records are complete.</summary>
    public static long ExpectedThreads
    {
        get
        {
            long known = WithoutRecord;
            for (int i = 0; i < ThreadTable.Used; i++)
            {
                known += IsOther(ThreadTable.Records + i) ? 1 : 0;
            }

            return known;
        }
    }

    /// <summary>Counts anew. Called after threads have been stopped by ptrace(2), or resumed to park by themselves.</summary>
    public static void Recount(StopState* stop)
    {
        Requested = 0;
        Seized = 0;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!IsOther(record))
            {
                continue;
            }

            switch (Volatile.Read(ref record->Seize))
            {
                case SeizeStatus.Stopped:
                    record->RequestedGeneration = 0; // a stop signal that is pending for it joins nothing
                    Seized++;
                    break;
                case SeizeStatus.Resumed:
                    record->RequestedGeneration = stop->Generation;
                    Requested++;
                    break;
                case SeizeStatus.Gone:
                    LeaderEnded |= record->Tid == stop->Pid && TaskFiles.KindOf(record->Tid) == TaskKind.Ended;
                    ThreadTable.Remove(record);
                    break;
                case SeizeStatus.None:
                    Requested += record->RequestedGeneration == stop->Generation ? 1u : 0u;
                    break;
            }
        }
    }

    /// <summary>In the child of a fork: the other threads are not there.</summary>
    [NoInstr]
    public static void AfterFork()
    {
        LeaderEnded = false;
        LastGeneration = 0;
    }
}
