using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>Chooses the threads that are seized, and has <see cref="Seizer"/> seize them. A part of <see cref="StopAttempt"/>.</summary>
internal static unsafe class SeizePlan
{
    private static bool s_seizesAll; // not only those that must be

    /// <summary>
    /// If some threads have to be seized, and no signal is declared as an NMI, which a seized thread would not take, all are seized: the
    /// process that does it is there anyway, it needs no signal to be sent in between, and no system call fails with EINTR. The same
    /// where a signal may find no room on its stack.
    /// </summary>
    public static void Choose(StopState* stop)
    {
        s_seizesAll = StopSignal.RisksFaultStack && stop->NmiSignals == 0;
        for (int i = 0; i < ThreadTable.Used && stop->NmiSignals == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            s_seizesAll |= AttemptState.IsOther(record) && record->MustBeSeized != 0 && record->KernelWorker == 0;
        }
    }

    /// <summary>Makes the seizing process the tracer of the threads that have to be seized, and, if none is refused, has them stopped.</summary>
    /// <param name="stop">The words of a stop.</param>
    /// <param name="command">
    /// <see cref="SeizeCommand.Attach"/> if no others are to be sent a signal after that; else <see cref="SeizeCommand.AttachOnly"/>, which
    /// stops them at once all the same if there are no others.
    /// </param>
    public static int Attach(StopState* stop, uint command)
    {
        ThreadRecord* first = null;
        bool all = true;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!AttemptState.IsOther(record) || record->KernelWorker != 0)
            {
                continue;
            }

            if ((record->MustBeSeized != 0 || s_seizesAll) && record->Seize <= SeizeStatus.Wanted)
            {
                record->Seize = SeizeStatus.Wanted;
                first = first == null ? record : first;
            }

            all &= record->Seize != SeizeStatus.None;
        }

        if (first == null)
        {
            return 0;
        }

        int error = Seizer.Attach(stop, all ? SeizeCommand.Attach : command, stop->DeadlineNs);
        if (error is not (0 or -Errno.EPERM) && !Seizer.IsRunning && !MustSeizeSome())
        {
            // All of them take the signal.
            DoNotSeizeAll();
            return 0;
        }

        if (error is 0 or -Errno.EAGAIN or -Errno.ENOMEM or -Errno.ETIMEDOUT)
        {
            return error;
        }

        if (error == -Errno.EPERM)
        {
            first = FirstRefused();
            if (first == null)
            {
                return 0;
            }

            error = first->SeizeError;
        }

        StopReport.Note(StopObstacle.Refused, first->Tid, error);
        return AttemptState.HasSignal ? -Errno.ETIMEDOUT : -Errno.EBUSY;
    }

    /// <summary>The same while other threads stand still: the threads are stopped at once.</summary>
    public static int AttachAndStop(StopState* stop)
    {
        int error = Attach(stop, SeizeCommand.Attach);
        if (error == 0 && Seizer.IsRunning)
        {
            Seizer.BeginStop();
        }

        return error;
    }

    private static bool MustSeizeSome()
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (AttemptState.IsOther(record) && record->MustBeSeized != 0 && record->KernelWorker == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static void DoNotSeizeAll()
    {
        s_seizesAll = false;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadTable.Records[i].Seize = SeizeStatus.None;
        }
    }

    /// <summary>
    /// The first thread that has to be seized and was refused; null if all of those have ended, for which the error is the same. The others
    /// are sent a signal.
    /// </summary>
    private static ThreadRecord* FirstRefused()
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || record->Seize != SeizeStatus.Refused)
            {
                continue;
            }

            if (record->MustBeSeized == 0)
            {
                s_seizesAll = false;
                record->Seize = SeizeStatus.None;
                continue;
            }

            if (TaskFiles.KindOf(record->Tid) is not (TaskKind.Gone or TaskKind.Ended))
            {
                return record;
            }

            record->Seize = SeizeStatus.Gone;
        }

        return null;
    }
}
