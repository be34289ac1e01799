using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>One attempt to make all other threads stand still. Called with the stop mutex held.</summary>
/// <remarks>
/// <para>In order:</para>
/// <list type="number">
/// <item>Look: which threads take the stop signal, and which have to be seized. The latter are. If some cannot be, that is the end:
/// all still run.</item>
/// <item>Ask: those that take the signal get it; the others are stopped by ptrace(2), at the same time.</item>
/// <item>Wait. A thread that has blocked the signal since is seized.</item>
/// <item>Count: when as many threads have stopped as the process has, there are no others. Those that were born meanwhile are looked at
/// and asked likewise.</item>
/// </list>
/// <para>A look takes some 20 microseconds, so who has stopped in the last stop, not long ago, is asked in the same way without one.</para>
/// </remarks>
internal static unsafe class StopAttempt
{
    // Longer than a tick: a timer that is to fire before it has to be programmed at every wait.
    private const long SliceNs = 5 * Clock.NsPerMs;
    private const long FullQueuePatienceNs = 50 * Clock.NsPerMs;
    private const long PauseNs = Clock.NsPerMs / 20;

    /// <summary>How long a thread may take to park before its mask is looked at.</summary>
    private const long LatePatienceNs = 2 * Clock.NsPerMs;

    /// <summary>How long it counts that a thread has parked.</summary>
    private const long TrustNs = Clock.NsPerSecond;

    /// <summary>How long a thread is looked at that has every signal blocked, as it has for a moment when it is born.</summary>
    private const long BirthNs = Clock.NsPerMs / 4;

    private const long LookPauseNs = Clock.NsPerMs / 40;

    /// <summary>CPU time in which a thread that is on its way out of sigwait() has left it, or one on its way into it is asleep.</summary>
    private const long FallingAsleepNs = Clock.NsPerMs / 20;

    private const int EnoughMasks = 3;

    /// <summary>How long such a proof may take.</summary>
    private const long ProofNs = Clock.NsPerMs;

    private const int BufferSize = 64 * 1024;
    private const uint ParkedSpins = 100;

    private static byte* s_buffer;
    private static int s_processors;
    private static bool s_leaderEnded;

    // The last stop that succeeded.
    private static uint s_lastGeneration;
    private static long s_lastNs;

    // Of the attempt that is on.
    private static bool s_isFirst; // of its stop
    private static bool s_hasSignal;
    private static int s_self;
    private static uint s_scan;
    private static uint s_requested; // asked by a signal, or on the way out of an NMI, and not ended
    private static uint s_seized; // stopped by ptrace(2)
    private static uint s_kernelWorkers; // not asked
    private static bool s_seizesAll; // not only those that must be

    /// <summary>Threads that were seized in the stop that is on.</summary>
    public static uint Seized => s_seized;

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        s_processors = Environment.ProcessorCount;
        s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(BufferSize);
        return s_buffer != null;
    }

    /// <returns>
    /// 0: all stand still. -ETIMEDOUT if no thread stopped for <paramref name="patience"/> nanoseconds, at the deadline, or if one can neither
    /// be asked nor seized. -EBUSY: there is no signal, and it cannot be seized either. -EAGAIN, -ENOMEM, -EOPNOTSUPP.
    /// </returns>
    public static int Run(StopState* stop, long now, bool isFirst, bool hasSignal, long patience)
    {
        s_isFirst = isFirst;
        s_hasSignal = hasSignal;
        s_self = (int)Native.Syscall(SyscallNumber.Gettid);
        s_requested = 0;
        s_seized = 0;
        s_kernelWorkers = 0;

        int error = LookFirst(stop, now, out bool looked);
        if (error == 0)
        {
            Begin(stop);
            error = SeizeWanted(stop, othersAsked: false);
        }

        stop->StartNs = error == 0 ? StartOf(now, looked) : 0; // nobody has been asked
        error = error != 0 ? error : AskAll(stop);

        // The seizing process has to get a core of its own first.
        return error != 0 ? error : WaitForAll(stop, Seizer.IsRunning ? patience * 4 : patience);
    }

    /// <summary>The stop is over: those who have parked in it are known to take the signal.</summary>
    public static void NoteSuccess(StopState* stop, long now)
    {
        s_lastGeneration = stop->Generation - 1;
        s_lastNs = now;
    }

    /// <summary>
    /// After an attempt that failed, while all threads run: waits a moment, and longer while the thread that was in the way is in a state
    /// in which it cannot stop.
    /// </summary>
    public static void WaitForObstacle(long deadlineNs, long pauseNs)
    {
        int tid = StopReport.Tid;
        do
        {
            Clock.Sleep(Math.Max(pauseNs, PauseNs));
        }
        while (tid != 0 && TaskFiles.IsStuck(tid) && Clock.NowNs() < deadlineNs);
    }

    [NoInstr]
    public static void AfterFork()
    {
        s_leaderEnded = false;
        s_lastGeneration = 0;
    }

    private static int LookFirst(StopState* stop, long now, out bool looked)
    {
        looked = false;
        int error = 0;
        if (TaskFiles.Count() != Known)
        {
            error = Scan(stop, out _);
        }

        bool trusts = now - s_lastNs < TrustNs;
        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!IsOther(record) || (trusts && s_lastGeneration != 0 && HasStoppedSo(record, now)))
            {
                continue;
            }

            error = Look(stop, record);
            looked = true;
        }

        ChooseWhom(stop);
        return error;
    }

    /// <summary>
    /// If some have to be seized, and no signal is declared that a seized thread would not take, all are: there is a process to do it, which
    /// needs no signal to be sent in between, and no system call ends with EINTR. Likewise where a signal may find no stack.
    /// </summary>
    private static void ChooseWhom(StopState* stop)
    {
        s_seizesAll = StopSignal.IsBetterAvoided && stop->NmiSignals == 0;
        for (int i = 0; i < ThreadTable.Used && stop->NmiSignals == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            s_seizesAll |= IsOther(record) && record->MustBeSeized != 0 && record->KernelWorker == 0;
        }
    }

    /// <summary>True if it stopped in the last stop in the way in which it would be stopped now.</summary>
    private static bool HasStoppedSo(ThreadRecord* record, long now)
    {
        if (s_hasSignal && record->MustBeSeized == 0 && record->ParkedGeneration == s_lastGeneration)
        {
            return true;
        }

        // Who was seized has not shown how it takes a signal.
        bool isKnown = s_hasSignal ? now - record->LookedNs < TrustNs : record->MustBeSeized != 0;
        return record->SeizedGeneration == s_lastGeneration && isKnown;
    }

    private static bool IsOther(ThreadRecord* record) => record->Tid != 0 && record->Tid != s_self;

    /// <summary>Threads that there should be.</summary>
    private static long Known
    {
        get
        {
            long known = s_leaderEnded ? 2 : 1;
            for (int i = 0; i < ThreadTable.Used; i++)
            {
                known += IsOther(ThreadTable.Records + i) ? 1 : 0;
            }

            return known;
        }
    }

    /// <summary>When the first thread is asked.</summary>
    private static long StartOf(long now, bool looked)
    {
        if (Seizer.StopStartNs != 0)
        {
            return Seizer.StopStartNs;
        }

        return looked || Seizer.IsRunning ? Clock.NowNs() : now;
    }

    private static void Begin(StopState* stop)
    {
        stop->WakeAt = 0;
        stop->Spins = ThreadTable.Used < s_processors ? ParkedSpins : 0;
        StopRequest<X86Threads>.Begin(&stop->Word);
    }

    private static int AskAll(StopState* stop)
    {
        if (Seizer.IsRunning)
        {
            Seizer.BeginStop();
        }

        int error = 0;
        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (IsToBeSignalled(record))
            {
                error = Request(stop, record);
            }
        }

        return error;
    }

    private static int WaitForAll(StopState* stop, long patience)
    {
        for (; ; )
        {
            int error = WaitForThreads(stop, patience);
            if (error != 0)
            {
                return error;
            }

            // All that were asked stand still, so nobody can end any more but threads unknown to us; if the
            // number of threads is what we have, there are none.
            long accounted = s_requested + s_seized + s_kernelWorkers + (s_leaderEnded ? 2 : 1);
            long threads = TaskFiles.Count();
            if (threads == accounted)
            {
                return 0;
            }

            error = Scan(stop, out int found);
            error = error != 0 || found == 0 ? error : AskNew(stop);
            if (error != 0)
            {
                return error;
            }

            if (found == 0 && threads <= 0)
            {
                // A system that does not count threads: a scan that finds nobody new has to do.
                return 0;
            }

            long now = Clock.NowNs();
            if (now >= stop->DeadlineNs || (found == 0 && now - stop->StartNs >= patience))
            {
                StopReport.Note(StopObstacle.Uncounted, 0);
                return -Errno.ETIMEDOUT;
            }

            if (found == 0)
            {
                // One that is ending: let it.
                Clock.Sleep(PauseNs);
            }
        }
    }

    /// <summary>Those that the last scan has found.</summary>
    private static int AskNew(StopState* stop)
    {
        int error = 0;
        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (IsOther(record) && record->IsNew != 0)
            {
                error = Look(stop, record);
            }
        }

        error = error != 0 ? error : SeizeNow(stop);
        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (IsToBeSignalled(record) && record->RequestedGeneration != stop->Generation)
            {
                error = Request(stop, record);
            }
        }

        return error;
    }

    private static bool IsToBeSignalled(ThreadRecord* record) =>
        IsOther(record) && record->MustBeSeized == 0 && Volatile.Read(ref record->Seize) == SeizeStatus.None;

    /// <summary>
    /// Lists the threads: makes records for those that have none, and forgets those that are no longer there.
    /// </summary>
    private static int Scan(StopState* stop, out int found)
    {
        found = 0;
        var tasks = new TaskList(s_buffer, BufferSize);
        int error = tasks.Open();
        if (error != 0)
        {
            return error;
        }

        s_scan++;
        while (tasks.Next(out int tid))
        {
            if (tid == s_self || (s_leaderEnded && tid == stop->Pid))
            {
                continue;
            }

            ThreadRecord* record = ThreadTable.Find(tid);
            if (record == null)
            {
                record = ThreadTable.Add(tid);
                if (record == null)
                {
                    error = -Errno.EAGAIN;
                    break;
                }

                record->IsNew = 1;
                found++;
            }

            record->Scan = s_scan;
        }

        tasks.Close();
        error = error != 0 ? error : tasks.Error;
        if (error == 0)
        {
            ForgetUnseen();
        }

        return error;
    }

    /// <summary>
    /// Threads that the scan did not list have ended. One that is in an attempt stays, until it is known to be gone: it is counted.
    /// </summary>
    private static void ForgetUnseen()
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (IsOther(record) && record->Scan != s_scan && s_requested + s_seized + s_kernelWorkers == 0
                && record->Seize == SeizeStatus.None)
            {
                ThreadTable.Remove(record);
            }
        }
    }

    /// <summary>Finds out how a thread is to be asked. One that has ended is forgotten.</summary>
    private static int Look(StopState* stop, ThreadRecord* record)
    {
        record->IsNew = 0;
        record->KernelWorker = 0;
        var taking = SignalTaking.Blocks;
        int error = 0;
        if (s_hasSignal && Volatile.Read(ref record->Parking) != 0)
        {
            taking = SignalTaking.Takes; // as soon as it has left the handler of a stop that is over
        }
        else if (s_hasSignal)
        {
            error = TaskFiles.TakingOf(record->Tid, stop->Signal, out taking);
        }

        if (error == 0 && s_hasSignal && taking is SignalTaking.Blocks or SignalTaking.Awaits)
        {
            record->HasBlocked = 1;
        }

        if (error == 0 && taking is SignalTaking.Blocks or SignalTaking.BlocksAll)
        {
            switch (TaskFiles.KindOf(record->Tid))
            {
                case TaskKind.Gone:
                    error = -Errno.ESRCH;
                    break;
                case TaskKind.Ended:
                    taking = SignalTaking.Ended;
                    break;
                case TaskKind.KernelWorker:
                    record->KernelWorker = 1;
                    record->MustBeSeized = 1; // is not sent anything
                    s_kernelWorkers++;
                    return 0;
                default:
                    bool isShort = taking == SignalTaking.BlocksAll && record->SeizedGeneration == 0;
                    error = isShort ? LookAgain(stop, record, ref taking) : 0;
                    break;
            }
        }

        if (error == 0 && taking == SignalTaking.TakesIfRunning && record->ParkedGeneration == 0)
        {
            error = LookWhileRunning(stop, record, ref taking);
        }

        if (error is -Errno.ENOENT or -Errno.ESRCH)
        {
            ThreadTable.Remove(record);
            return 0;
        }

        if (error != 0)
        {
            // What does not tell is no obstacle with a thread that has parked before.
            record->MustBeSeized = 0;
            return record->ParkedGeneration != 0 ? 0 : ProcFile.ErrorOf(error);
        }

        if (taking == SignalTaking.Ended)
        {
            // A main thread that called pthread_exit() stays listed for as long as the process lives.
            s_leaderEnded |= record->Tid == stop->Pid;
            ThreadTable.Remove(record);
            return 0;
        }

        record->MustBeSeized = taking is SignalTaking.Takes or SignalTaking.TakesIfRunning ? 0u : 1u;
        // Who has parked may be leaving the handler of it still, where all is blocked.
        bool isLasting = record->MustBeSeized == 0 || (record->ParkedGeneration == 0
            && (taking != SignalTaking.BlocksAll || record->SeizedGeneration != 0));
        record->LookedNs = isLasting ? Clock.NowNs() : 0;
        record->Seize = record->MustBeSeized != 0 ? SeizeStatus.Wanted : SeizeStatus.None;
        return 0;
    }

    /// <summary>
    /// A thread that runs, and has not parked yet. Where the signal is blocked in the calling thread, or this one was seen to block it, there may be
    /// somebody who waits for signals. Only one is sent ours that is seen asleep, in another call, or whose mask is proved its own.
    /// </summary>
    /// <remarks>
    /// Three masks without the signal, no sleep between the first and the last, and more CPU time between each two than it takes to leave such a
    /// call, or to fall asleep in one: at the second mask it had left the call that it was in at the first, and the next one,
    /// if it was in that, would have put it to sleep before the third.
    /// </remarks>
    private static int LookWhileRunning(StopState* stop, ThreadRecord* record, ref SignalTaking taking)
    {
        if ((stop->OwnerMask & SignalSet.Of(stop->Signal)) == 0 && record->HasBlocked == 0)
        {
            return 0;
        }

        int tid = record->Tid;
        int masks = 0;
        ulong lastSleeps = 0;
        long lastRan = 0;
        for (long end = Clock.NowNs() + ProofNs; Clock.NowNs() < end;)
        {
            int error = TaskFiles.TakingOf(tid, stop->Signal, out taking);
            if (error != 0 || taking != SignalTaking.TakesIfRunning)
            {
                return error;
            }

            error = TaskFiles.MaskOf(tid, out ulong blocked, out ulong sleeps);
            if (error != 0)
            {
                return error;
            }

            long ran = Clock.RunTimeOf(tid);
            if ((blocked & SignalSet.Of(stop->Signal)) != 0 || sleeps != lastSleeps || masks == 0)
            {
                masks = (blocked & SignalSet.Of(stop->Signal)) != 0 ? 0 : 1;
                lastSleeps = sleeps;
                lastRan = ran;
            }
            else if (ran - lastRan >= FallingAsleepNs)
            {
                lastRan = ran;
                if (++masks == EnoughMasks)
                {
                    return 0;
                }
            }

            Clock.Sleep(LookPauseNs);
        }

        taking = SignalTaking.Awaits;
        return 0;
    }

    /// <summary>Looks until something else is seen, or some time has passed; at least once.</summary>
    private static int LookAgain(StopState* stop, ThreadRecord* record, ref SignalTaking taking)
    {
        SignalTaking first = taking;
        long end = Clock.NowNs() + BirthNs;
        int error;
        do
        {
            Clock.Sleep(LookPauseNs);
            error = TaskFiles.TakingOf(record->Tid, stop->Signal, out taking);
        }
        while (error == 0 && taking == first && Clock.NowNs() < end);

        return error;
    }

    /// <summary>Becomes the tracer of the threads that have to be seized, and, if it can be that of all of them, stops them.</summary>
    /// <param name="stop">The words of a stop.</param>
    /// <param name="othersAsked">True if no others are to be asked by a signal after that.</param>
    private static int SeizeWanted(StopState* stop, bool othersAsked)
    {
        ThreadRecord* first = null;
        bool all = true;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!IsOther(record) || record->KernelWorker != 0)
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

        int error = Seizer.Attach(stop, all || othersAsked, stop->DeadlineNs);
        if (error is not (0 or -Errno.EPERM) && !Seizer.IsRunning && !MustSeizeSome())
        {
            // There is the signal.
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
        return s_hasSignal ? -Errno.ETIMEDOUT : -Errno.EBUSY;
    }

    private static bool MustSeizeSome()
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (IsOther(record) && record->MustBeSeized != 0 && record->KernelWorker == 0)
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
    /// The first thread that could not be seized and has to be; null if all of those have ended, for which the error is the same. Others are
    /// asked by a signal.
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

    /// <summary>The same while other threads stand still: they are stopped at once.</summary>
    private static int SeizeNow(StopState* stop)
    {
        int error = SeizeWanted(stop, othersAsked: true);
        if (error == 0 && Seizer.IsRunning)
        {
            Seizer.BeginStop();
        }

        return error;
    }

    /// <summary>Asks a thread to park. One that is gone is forgotten.</summary>
    private static int Request(StopState* stop, ThreadRecord* record)
    {
        if (!StopRequest<X86Threads>.Request(&record->RequestedGeneration, &record->SignalSent, stop->Generation, record->Tid))
        {
            s_requested++; // a signal is under way
            return 0;
        }

        int error = Send(stop, record);
        while (error == -Errno.EAGAIN && Clock.NowNs() < Math.Min(stop->DeadlineNs, stop->StartNs + FullQueuePatienceNs))
        {
            // The queue of signals is full. If it is with ours, it empties at once, as threads take theirs.
            Clock.Sleep(PauseNs);
            error = Send(stop, record);
        }

        switch (error)
        {
            case 0:
                s_requested++;
                return 0;
            case -Errno.ESRCH:
                ThreadTable.Remove(record);
                return 0;
            case -Errno.EAGAIN:
                Volatile.Write(ref record->SignalSent, 0);
                return error;
            default:
                Volatile.Write(ref record->SignalSent, 0);
                return -Errno.EOPNOTSUPP;
        }
    }

    private static int Send(StopState* stop, ThreadRecord* record)
    {
        Siginfo info = default;
        info.Signo = stop->Signal;
        info.Errno = StopHandler.Magic;
        info.Code = Siginfo.CodeTimer;
        info.Pid = stop->Pid;
        info.Value = (ulong)stop->Secret << 32 | (uint)(record - ThreadTable.Records);
        return (int)Native.Syscall(SyscallNumber.RtTgsigqueueinfo, stop->Pid, record->Tid, stop->Signal, (nint)(&info));
    }

    /// <summary>Waits until all threads that were asked stand still; those that end meanwhile are taken off.</summary>
    private static int WaitForThreads(StopState* stop, long patience)
    {
        uint lastJoined = 0;
        long progress = stop->StartNs;
        long looked = stop->StartNs;
        for (; ; )
        {
            if (Seizer.IsRunning)
            {
                Account(stop);
            }

            uint joined = StopRequest<X86Threads>.Expect(&stop->Word, &stop->WakeAt, s_requested);
            long now = Clock.NowNs();
            if (joined == s_requested && !Seizer.IsRunning)
            {
                return 0;
            }

            if (joined >= s_requested && Seizer.IsRunning)
            {
                // More have parked if one that is being seized had been asked by a signal before.
                int error = Seizer.WaitStopped(Math.Min(stop->DeadlineNs, Math.Max(now, progress) + SliceNs));
                Account(stop);
                if (error == 0 && joined == s_requested)
                {
                    return 0;
                }

                if (error is not (0 or -Errno.ETIMEDOUT))
                {
                    return error;
                }
            }

            if (joined != lastJoined)
            {
                lastJoined = joined;
                progress = now;
            }

            if (now >= stop->DeadlineNs || now - progress >= patience)
            {
                Blame(stop);
                return -Errno.ETIMEDOUT;
            }

            if (now - looked >= (looked == stop->StartNs ? LatePatienceNs : SliceNs))
            {
                looked = now;
                int error = LookAfterMissing(stop);
                if (error != 0)
                {
                    return error;
                }

                continue;
            }

            if (joined < s_requested)
            {
                long slice = looked == stop->StartNs ? LatePatienceNs : SliceNs;
                Futex.Wait(&stop->Joined, joined, Math.Min(slice, stop->DeadlineNs - now));
            }
        }
    }

    /// <summary>Counts anew, when threads have been stopped by ptrace(2), or were let go to park by themselves.</summary>
    private static void Account(StopState* stop)
    {
        s_requested = 0;
        s_seized = 0;
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
                    record->RequestedGeneration = 0; // if a signal waits for it as well, it joins nothing
                    s_seized++;
                    break;
                case SeizeStatus.LetGo:
                    record->RequestedGeneration = stop->Generation;
                    s_requested++;
                    break;
                case SeizeStatus.Gone:
                    s_leaderEnded |= record->Tid == stop->Pid && TaskFiles.KindOf(record->Tid) == TaskKind.Ended;
                    ThreadTable.Remove(record);
                    break;
                case SeizeStatus.None:
                    s_requested += record->RequestedGeneration == stop->Generation ? 1u : 0u;
                    break;
            }
        }
    }

    /// <summary>
    /// Finds out which of the threads that have not stopped can no longer do so, or never could; and seizes those that have blocked the signal.
    /// </summary>
    private static int LookAfterMissing(StopState* stop)
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
                    s_leaderEnded |= record->Tid == stop->Pid;
                    goto case TaskKind.Gone;
                case TaskKind.Gone:
                    TakeOff(stop, record);
                    break;
                case TaskKind.KernelWorker when record->Seize == SeizeStatus.None:
                    record->KernelWorker = 1;
                    record->MustBeSeized = 1;
                    record->RequestedGeneration = 0;
                    s_kernelWorkers++;
                    s_requested--;
                    break;
                case TaskKind.Thread when record->Seize == SeizeStatus.None:
                    bool takes = TaskFiles.TakingOf(record->Tid, stop->Signal, out SignalTaking taking) != 0
                        || taking is SignalTaking.Takes or SignalTaking.TakesIfRunning;
                    if (takes || IsLeavingHandler(record))
                    {
                        break;
                    }

                    record->MustBeSeized = 1;
                    record->LookedNs = 0; // by the next stop it may be otherwise
                    seizes = true;
                    break;
            }
        }

        return seizes ? SeizeNow(stop) : 0;
    }

    /// <summary>
    /// True if a thread that blocks the signal does so because it has not left the handler of the last stop yet: with more running threads
    /// than CPUs that takes a while.
    /// </summary>
    private static bool IsLeavingHandler(ThreadRecord* record) => Volatile.Read(ref record->Parking) != 0
        || (s_isFirst && s_lastGeneration != 0 && record->ParkedGeneration == s_lastGeneration); // between that and sigreturn

    /// <summary>True for a thread that was asked in this attempt, by whatever means, and has not stopped.</summary>
    private static bool IsMissing(StopState* stop, ThreadRecord* record)
    {
        if (!IsOther(record) || record->KernelWorker != 0)
        {
            return false;
        }

        uint seize = Volatile.Read(ref record->Seize);
        return seize is SeizeStatus.None or SeizeStatus.LetGo
            ? record->RequestedGeneration == stop->Generation && Volatile.Read(ref record->ParkedGeneration) != stop->Generation
            : seize is SeizeStatus.Attached or SeizeStatus.Interrupted;
    }

    private static void TakeOff(StopState* stop, ThreadRecord* record)
    {
        if (record->Seize is SeizeStatus.None or SeizeStatus.LetGo)
        {
            s_requested--;
            ThreadTable.Remove(record);
        }
        else if (record->Tid == stop->Pid)
        {
            // The kernel says nothing of a main thread that has ended while others live. Account() forgets it. Any other one stays
            // listed until the seizing process has waited for it.
            Interlocked.CompareExchange(ref record->Seize, SeizeStatus.Gone, SeizeStatus.Interrupted);
        }
    }

    /// <summary>Notes a thread that did not stop.</summary>
    private static void Blame(StopState* stop)
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
}
