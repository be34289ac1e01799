using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>Finds out in /proc whether a thread takes the stop signal or has to be seized. A part of <see cref="StopAttempt"/>.</summary>
/// <remarks>
/// It takes some 20 microseconds a thread. So a thread that was stopped in the last stop, not long ago, is not inspected again.
/// </remarks>
internal static unsafe class ThreadInspection
{
    /// <summary>How long the result of an inspection, or of a stop, is relied on.</summary>
    private const long TrustNs = Clock.NsPerSecond;

    /// <summary>How long to inspect a thread that has every signal blocked, as it has for a moment when it is born.</summary>
    private const long BirthNs = Clock.NsPerMs / 4;

    private const long PauseNs = Clock.NsPerMs / 40;

    /// <summary>CPU time in which a thread that is on its way out of sigwait() has left it, or one on its way into it is asleep.</summary>
    private const long FallingAsleepNs = Clock.NsPerMs / 20;

    private const uint EnoughMasks = 3;

    /// <summary>
    /// CPU time in which a thread that has taken the stop signal has begun its handler, page faults included, or has returned from it. One that
    /// needs more has received the signal in another way, as with sigwait(), or blocks it; and so has one that sleeps in a call.
    /// </summary>
    private const long EdgeNs = Clock.NsPerMs;

    /// <summary>How long the proof that a mask is the thread's own may take.</summary>
    private const long ProofNs = Clock.NsPerMs;

    /// <summary>Finds out how a thread is to be stopped, and notes it in its record. The record of a thread that has ended is removed.</summary>
    public static int Inspect(StopState* stop, ThreadRecord* record)
    {
        record->IsNew = 0;
        record->KernelWorker = 0;
        int error = ReadDelivery(stop, record, out SignalDelivery delivery);
        if (error is -Errno.ENOENT or -Errno.ESRCH)
        {
            ThreadTable.Remove(record);
            return 0;
        }

        if (error != 0)
        {
            // A thread that has parked before is sent the signal even if its files cannot be read.
            record->MustBeSeized = 0;
            return record->ParkedGeneration != 0 ? 0 : ProcFile.ErrorOf(error);
        }

        if (record->KernelWorker != 0)
        {
            return 0;
        }

        if (delivery == SignalDelivery.Ended)
        {
            // A main thread that called pthread_exit() stays listed for as long as the process lives.
            AttemptState.LeaderEnded |= record->Tid == stop->Pid;
            ThreadTable.Remove(record);
            return 0;
        }

        record->MustBeSeized = delivery is SignalDelivery.Immediate or SignalDelivery.IfRunning ? 0u : 1u;

        // A thread that has parked may still be on its way out of the handler, where all is blocked.
        bool isLasting = record->MustBeSeized == 0 || (record->ParkedGeneration == 0
            && (delivery != SignalDelivery.AllBlocked || record->SeizedGeneration != 0));
        record->InspectedNs = isLasting ? Clock.NowNs() : 0;
        record->Seize = record->MustBeSeized != 0 ? SeizeStatus.Wanted : SeizeStatus.None;
        return 0;
    }

    /// <returns>0 or -errno. A kernel thread is noted as one, and <paramref name="delivery"/> then says nothing.</returns>
    private static int ReadDelivery(StopState* stop, ThreadRecord* record, out SignalDelivery delivery)
    {
        delivery = SignalDelivery.Blocked;
        int error = 0;
        if (AttemptState.HasSignal)
        {
            error = TaskFiles.DeliveryOf(record->Tid, stop->Signal, out delivery);
        }

        if (error != 0)
        {
            return error;
        }

        if (AttemptState.HasSignal && IsInHandler(stop, record, delivery))
        {
            delivery = SignalDelivery.Immediate; // as soon as it has left the handler of a stop that is over
            return 0;
        }

        if (AttemptState.HasSignal && delivery is SignalDelivery.Blocked or SignalDelivery.Awaited)
        {
            record->HasBlocked = 1;
        }

        if (delivery is SignalDelivery.Blocked or SignalDelivery.AllBlocked)
        {
            error = ReadKind(stop, record, ref delivery);
        }

        return error == 0 && delivery == SignalDelivery.IfRunning && record->ParkedGeneration == 0
            ? InspectRunning(stop, record, ref delivery)
            : error;
    }

    /// <summary>A thread that blocks the signal may be no thread of the program, or one that does so only for a moment.</summary>
    private static int ReadKind(StopState* stop, ThreadRecord* record, ref SignalDelivery delivery)
    {
        switch (TaskFiles.KindOf(record->Tid))
        {
            case TaskKind.Gone:
                return -Errno.ESRCH;
            case TaskKind.Ended:
                delivery = SignalDelivery.Ended;
                return 0;
            case TaskKind.KernelWorker:
                record->KernelWorker = 1;
                record->MustBeSeized = 1; // is not sent anything
                AttemptState.KernelWorkers++;
                return 0;
            default:
                bool isShort = delivery == SignalDelivery.AllBlocked && record->SeizedGeneration == 0;
                return isShort ? InspectUntilChanged(stop, record, ref delivery) : 0;
        }
    }

    /// <summary>True if a thread was stopped in the last stop, which was not long ago, in the way in which it would be stopped now.</summary>
    public static bool IsKnownToStop(ThreadRecord* record, long now)
    {
        if (AttemptState.LastGeneration == 0 || now - AttemptState.LastNs >= TrustNs)
        {
            return false;
        }

        if (AttemptState.HasSignal && record->MustBeSeized == 0 && record->ParkedGeneration == AttemptState.LastGeneration)
        {
            return true;
        }

        // A seized thread has not shown whether it takes a signal.
        bool isKnown = AttemptState.HasSignal ? now - record->InspectedNs < TrustNs : record->MustBeSeized != 0;
        return record->SeizedGeneration == AttemptState.LastGeneration && isKnown;
    }

    /// <summary>
    /// Inspects a thread that runs and has never parked. If the calling thread blocks the signal, or this one was seen to block it, the host
    /// may wait for signals: the stop signal is sent only to a thread that is asleep in another call, or whose mask is proved its own.
    /// </summary>
    /// <remarks>
    /// The proof: three masks without the signal, no sleep between the first and the last, and between each two more CPU time than it takes
    /// to leave sigwait() or to fall asleep in it. At the second mask the thread had left the call that it was in at the first;
    /// the next call, if the thread was in that one, would have put it to sleep before the third. On a busy machine a thread may
    /// get no CPU time at all during an inspection: so the next attempt to stop all goes on where this one ended, and a proof holds
    /// until the thread sleeps. Otherwise some of several threads would be without a proof in every attempt.
    /// </remarks>
    private static int InspectRunning(StopState* stop, ThreadRecord* record, ref SignalDelivery delivery)
    {
        if ((stop->OwnerMask & SignalSet.Of(stop->Signal)) == 0 && record->HasBlocked == 0)
        {
            return 0;
        }

        record->Masks = record->StopOfMasks == AttemptState.StopNumber ? record->Masks : 0;
        record->StopOfMasks = AttemptState.StopNumber;
        int tid = record->Tid;
        for (long end = Clock.NowNs() + ProofNs; Clock.NowNs() < end;)
        {
            int error = TaskFiles.DeliveryOf(tid, stop->Signal, out delivery);
            if (error != 0 || delivery != SignalDelivery.IfRunning)
            {
                record->Masks = 0;
                return error;
            }

            error = TaskFiles.MaskOf(tid, out ulong blocked, out ulong sleeps);
            if (error != 0)
            {
                return error;
            }

            long ran = Clock.RunTimeOf(tid);
            if ((blocked & SignalSet.Of(stop->Signal)) != 0 || sleeps != record->SleepsAtMask || record->Masks == 0)
            {
                record->Masks = (blocked & SignalSet.Of(stop->Signal)) != 0 ? 0u : 1u;
                record->SleepsAtMask = sleeps;
                record->RunTimeAtMask = ran;
            }
            else if (ran - record->RunTimeAtMask >= FallingAsleepNs)
            {
                record->Masks = Math.Min(record->Masks + 1, EnoughMasks);
                record->RunTimeAtMask = ran;
            }

            if (record->Masks == EnoughMasks)
            {
                return 0;
            }

            Clock.Sleep(PauseNs);
        }

        delivery = SignalDelivery.Awaited;
        return 0;
    }

    /// <summary>
    /// True if a thread blocks the stop signal because it is in its handler, or has taken the signal and is about to begin the handler, or is
    /// about to return from it. On a busy machine that can take any time. The thread must not be seized then: it would take no NMI.
    /// </summary>
    public static bool IsInHandler(StopState* stop, ThreadRecord* record, SignalDelivery delivery)
    {
        if (delivery is not (SignalDelivery.Blocked or SignalDelivery.AllBlocked))
        {
            record->RunTimeAtEdge = 0;
            if (delivery == SignalDelivery.Awaited)
            {
                // It sleeps in sigwait(), so none is under way: the host has received the last one that was sent.
                Volatile.Write(ref record->SignalSent, 0);
            }

            return false;
        }

        // In this order: if the handler has begun meanwhile, the second is true.
        return IsAtEdgeOfHandler(stop, record) || Volatile.Read(ref record->Parking) != 0;
    }

    /// <summary>
    /// Nothing marks a thread before the first statement of the handler and after the last one. It may be there if a signal was sent, and is
    /// not pending, or if it parked in the last stop, not long ago: later it has blocked the signal itself, and may be about to wait for
    /// signals. Which of them it was may not be visible any more in the next attempt, so it is noted.
    /// </summary>
    private static bool IsAtEdgeOfHandler(StopState* stop, ThreadRecord* record)
    {
        uint parked = Volatile.Read(ref record->ParkedGeneration);
        if (record->RunTimeAtEdge == 0 || record->ParkedAtEdge != parked)
        {
            uint last = stop->Generation - 1 - (stop->Generation & 1); // of the last stop before this attempt
            bool mayLeave = parked != 0 && parked == last && Clock.NowNs() - AttemptState.EndedNs < TrustNs;
            bool mayEnter = Volatile.Read(ref record->SignalSent) != 0 && TaskFiles.HasTaken(record->Tid, stop->Signal);
            if (!mayLeave && !mayEnter)
            {
                return false;
            }

            record->RunTimeAtEdge = Math.Max(Clock.RunTimeOf(record->Tid), 1);
            record->ParkedAtEdge = parked;
        }

        return Clock.RunTimeOf(record->Tid) - record->RunTimeAtEdge < EdgeNs && !TaskFiles.SleepsInCall(record->Tid);
    }

    /// <summary>Inspects a thread again, at least once, until the result changes or some time has passed.</summary>
    private static int InspectUntilChanged(StopState* stop, ThreadRecord* record, ref SignalDelivery delivery)
    {
        SignalDelivery first = delivery;
        long end = Clock.NowNs() + BirthNs;
        int error;
        do
        {
            Clock.Sleep(PauseNs);
            error = TaskFiles.DeliveryOf(record->Tid, stop->Signal, out delivery);
        }
        while (error == 0 && delivery == first && Clock.NowNs() < end);

        return error;
    }
}
