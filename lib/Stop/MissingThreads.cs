using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>The threads that were asked to stop and have not stopped yet. A part of <see cref="StopAttempt"/>.</summary>
internal static unsafe class MissingThreads
{
    /// <summary>
    /// Finds out which of them have ended or are kernel threads, and seizes those that have blocked the signal.
    /// </summary>
    public static int Inspect(StopState* stop)
    {
        bool seizes = false;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!IsMissing(stop, record))
            {
                continue;
            }

            switch (TaskFiles.KindOf(record->Tid))
            {
                case TaskKind.Ended:
                    AttemptState.LeaderEnded |= record->Tid == stop->Pid;
                    goto case TaskKind.Gone;
                case TaskKind.Gone:
                    Remove(stop, record);
                    break;
                case TaskKind.KernelWorker when record->Seize == SeizeStatus.None:
                    record->KernelWorker = 1;
                    record->MustBeSeized = 1;
                    record->RequestedGeneration = 0;
                    AttemptState.KernelWorkers++;
                    AttemptState.Requested--;
                    break;
                case TaskKind.Thread when record->Seize == SeizeStatus.None:
                    bool takes = TaskFiles.DeliveryOf(record->Tid, stop->Signal, out SignalDelivery delivery) != 0
                        || delivery is SignalDelivery.Immediate or SignalDelivery.IfRunning;
                    if (ThreadInspection.IsInHandler(stop, record, delivery) || takes)
                    {
                        break;
                    }

                    record->MustBeSeized = 1;
                    record->InspectedNs = 0; // this may have changed by the next stop
                    seizes = true;
                    break;
            }
        }

        return seizes ? SeizePlan.AttachAndStop(stop) : 0;
    }

    /// <summary>Notes the first of them for the host's report.</summary>
    public static void Report(StopState* stop)
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            if (IsMissing(stop, ThreadTable.Records + i))
            {
                StopReport.Note(StopObstacle.NoAnswer, ThreadTable.Records[i].Tid);
                return;
            }
        }
    }

    /// <summary>True for a thread that was asked to stop in this attempt, by whatever means, and has not stopped.</summary>
    private static bool IsMissing(StopState* stop, ThreadRecord* record)
    {
        if (!AttemptState.IsOther(record) || record->KernelWorker != 0)
        {
            return false;
        }

        uint seize = Volatile.Read(ref record->Seize);
        return seize is SeizeStatus.None or SeizeStatus.Resumed
            ? record->RequestedGeneration == stop->Generation && Volatile.Read(ref record->ParkedGeneration) != stop->Generation
            : seize is SeizeStatus.Attached or SeizeStatus.Interrupted;
    }

    private static void Remove(StopState* stop, ThreadRecord* record)
    {
        if (record->Seize is SeizeStatus.None or SeizeStatus.Resumed)
        {
            AttemptState.Requested--;
            ThreadTable.Remove(record);
        }
        else if (record->Tid == stop->Pid)
        {
            // The kernel does not report the end of a main thread while others live. AttemptState.Recount() removes its record. Any other
            // thread stays listed until the seizing process has waited for it.
            Interlocked.CompareExchange(ref record->Seize, SeizeStatus.Gone, SeizeStatus.Interrupted);
        }
    }
}
