using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>
/// Stops every other thread of the process: the patcher's side. The threads' side, and the order of a stop, are in
/// <see cref="StopHandler"/>. Source: the kernel's kernel/stop_machine.c.
/// </summary>
/// <remarks>
/// Between the first request and the release other threads stand still wherever they were, and may hold any lock
/// of the process: nothing here allocates, locks, or calls the C library.
/// </remarks>
internal static unsafe class StopMachine
{
    /// <summary>How long to wait for the other threads by default.</summary>
    public const uint DefaultTimeoutMs = 5000;

    private const long FirstPatienceNs = 10 * Clock.NsPerMs;
    private const long LastPatienceNs = 640 * Clock.NsPerMs;

    private static bool s_isReserved;

    /// <summary>Reserves what a stop needs, once, and finds out whether one is possible. Called with the stop mutex held.</summary>
    /// <returns>0, -ENOMEM, or -EOPNOTSUPP if /proc is not mounted, or is that of another pid namespace.</returns>
    private static int Reserve(StopState* stop)
    {
        if (s_isReserved)
        {
            return 0;
        }

        if (!(ThreadTable.Reserve() && TaskFiles.Reserve() && StopAttempt.Reserve() && Seizer.Reserve()
            && StopSignal.Reserve(stop)))
        {
            return -Errno.ENOMEM;
        }

        stop->Records = ThreadTable.Records;
        if (!TaskFiles.ShowsOwnIds())
        {
            StopReport.Note(StopObstacle.ForeignProc, 0);
            return -Errno.EOPNOTSUPP;
        }

        s_isReserved = true;
        return 0;
    }

    /// <summary>True if the calling thread has a window open.</summary>
    [NoInstr]
    public static bool IsOpen(NmiThread* self) => StopState.Shared->Owner == (ulong)self;

    /// <summary>
    /// Opens a window: returns 0 when every other thread stands still and undeclared signals are blocked on this one.
    /// </summary>
    /// <returns>
    /// 0, -EDEADLK, -EBUSY, -ETIMEDOUT, -EAGAIN, -ENOMEM or -EOPNOTSUPP; after an error all is as before, and a report was printed.
    /// </returns>
    public static int Open(NmiThread* self, uint timeoutMs)
    {
        int error = TryOpen(self, timeoutMs, out StopReport report);
        if (error != 0)
        {
            report.Print();
        }

        return error;
    }

    /// <summary>The same for a caller that can do without the stop: nothing is printed, and <paramref name="report"/> has the obstacle.</summary>
    public static int TryOpen(NmiThread* self, uint timeoutMs, out StopReport report)
    {
        report = default;
        StopState* stop = StopState.Shared;
        if (IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        // The mutex first, with signals unblocked: its owner may have to stop a thread that waits for it.
        StopTurn.Lock();
        ulong mask = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
        stop->OwnerMask = mask;
        stop->StartNs = 0;
        StopReport.Forget();
        long now = Clock.NowNs();
        int error = Prepare(stop, now, out bool hasSignal);
        if (error == 0 && StopTurn.FindFirst(stop->Signal))
        {
            // Another copy of the library stopped threads first: its mutex is used from now on.
            StopTurn.UnlockOwn();
            SignalSet.Set(mask);
            return TryOpen(self, timeoutMs, out report);
        }

        error = error != 0 ? error : OpenWindow(stop, self, now, timeoutMs, hasSignal);
        if (error == 0)
        {
            return 0;
        }

        report = StopReport.Take();
        StopTurn.Unlock();
        SignalSet.Set(mask);
        return error;
    }

    /// <summary>Chooses the signal now, if no stop has done so yet: a thread that blocks all others can then take it.</summary>
    public static void ChooseSignal()
    {
        StopState* stop = StopState.Shared;
        if (stop->Signal != 0)
        {
            return;
        }

        StopTurn.Lock();
        stop->OwnerMask = 0;
        Prepare(stop, Clock.NowNs(), out _);
        StopTurn.Unlock();
    }

    private static int Prepare(StopState* stop, long now, out bool hasSignal)
    {
        hasSignal = false;
        int error = Reserve(stop);
        if (error != 0)
        {
            return error;
        }

        error = StopSignal.Verify(stop, now, out hasSignal);
        if (error != 0)
        {
            StopReport.Note(StopObstacle.SignalTaken, 0);
        }

        return error;
    }

    private static int OpenWindow(StopState* stop, NmiThread* self, long now, uint timeoutMs, bool hasSignal)
    {
        stop->Owner = (ulong)self;
        int error = ParkAll(stop, now, (timeoutMs == 0 ? DefaultTimeoutMs : timeoutMs) * Clock.NsPerMs, hasSignal);
        if (error != 0)
        {
            Release(stop);
            stop->Owner = 0;
            return error;
        }

        stop->Stops++;
        stop->StoppedThreads += stop->Joined + AttemptState.Seized;
        stop->SeizedThreads += AttemptState.Seized;
        return 0;
    }

    /// <summary>Closes the window that this thread opened. If text was changed in it, no thread resumes with the old one.</summary>
    public static void Close()
    {
        StopState* stop = StopState.Shared;
        ulong mask = stop->OwnerMask;
        var window = new StopWindow();
        ReleaseProtocol<X86Machine>.Run(ref window);
        AttemptState.NoteSuccess(stop, window.ReleasedNs);
        stop->Owner = 0;
        StopTurn.Unlock();
        SignalSet.Set(mask);
    }

    /// <returns>When, by <see cref="Clock.NowNs"/>.</returns>
    public static long Release(StopState* stop)
    {
        long now = Clock.NowNs();
        stop->DrainGeneration = 0;

        // An attempt may have failed before it began a stop: then there is none to end, and the generation stays even.
        if ((stop->Generation & 1) != 0)
        {
            StopRequest<X86Threads>.Release(&stop->Word);
            AttemptState.EndedNs = now;
        }

        // The generation has ended: a seized thread that was on its way to park joins nothing any more.
        long released = Seizer.End();
        if (stop->StartNs != 0)
        {
            stop->LastStopNs = (ulong)((released != 0 ? released : now) - stop->StartNs);
            stop->MaxStopNs = Math.Max(stop->MaxStopNs, stop->LastStopNs);
            stop->StartNs = 0;
        }

        return now;
    }

    /// <summary>True if the system can make all cores serialize; finds out at the first call in a process.</summary>
    public static bool HasSyncCore(StopState* stop)
    {
        if (Volatile.Read(ref stop->MembarrierRegistered) == 0)
        {
            stop->Release.SerializeParked = Membarrier.Register() && Membarrier.SyncCore() ? 0u : 1u;
            Volatile.Write(ref stop->MembarrierRegistered, 1);
        }

        return stop->Release.SerializeParked == 0;
    }

    /// <summary>
    /// Stops all threads, in as many attempts as it takes. A thread may wait, with all signals blocked, for a lock that a parked
    /// thread holds (the C library does so when threads are born and end). So an attempt that makes no progress is given up:
    /// all threads run for a moment, and the next attempt waits longer.
    /// </summary>
    private static int ParkAll(StopState* stop, long now, long timeoutNs, bool hasSignal)
    {
        if (Volatile.Read(ref stop->MembarrierRegistered) == 0)
        {
            // The kernel registers a process that has threads after a grace period of RCU, kernel/sched/membarrier.c: where the CPUs are
            // busy, that has been seen to take 40 seconds. Threads run meanwhile, so this is not a part of the time that they have to stop.
            HasSyncCore(stop);
            now = Clock.NowNs();
        }

        stop->DeadlineNs = now + timeoutNs;
        for (long patience = FirstPatienceNs; ; patience = Math.Min(patience * 2, LastPatienceNs))
        {
            int error = StopAttempt.Run(stop, now, isFirst: patience == FirstPatienceNs, hasSignal, patience);
            if (error != -Errno.ETIMEDOUT)
            {
                return error;
            }

            long rest = stop->DeadlineNs - Clock.NowNs();
            if (rest <= 0)
            {
                return error;
            }

            Release(stop);
            StopAttempt.WaitForObstacle(stop->DeadlineNs, Math.Min(patience / 4, rest));

            // The host may have taken the signal meanwhile, as a language runtime does when it starts.
            now = Clock.NowNs();
            StopSignal.Verify(stop, now, out hasSignal);
        }
    }

    /// <summary>
    /// In the child of a fork: the other threads are not there, nor are their locks. A window that the forking
    /// thread had open stays open, without any other thread.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        StopState* stop = StopState.Shared;
        bool open = stop->Owner == (ulong)self;
        ThreadTable.Clear();
        AttemptState.AfterFork();
        Seizer.AfterFork();
        StopSignal.AfterFork(stop);
        s_isReserved = false; // the child may see another /proc
        stop->Pid = (int)Native.Syscall(SyscallNumber.Getpid);
        stop->MembarrierRegistered = 0;
        stop->WakeAt = 0;
        if (open)
        {
            stop->Joined = 0;
            return;
        }

        stop->Word = (ulong)((stop->Generation + 1) & ~1u) << 32;
        stop->DrainGeneration = 0;
        stop->Owner = 0;
        stop->Release.TextChanged = 0;
        StopTurn.AfterFork();
    }
}
