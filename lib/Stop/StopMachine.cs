using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>
/// Parks every other thread of the process: the patcher's side. The threads' side, and the order of a stop,
/// is <see cref="StopHandler"/>. Source: the kernel's kernel/stop_machine.c.
/// </summary>
/// <remarks>
/// Between the first request and the release other threads stand still wherever they were, with any lock
/// of the process in their hands: nothing here allocates, locks, or calls the C library.
/// </remarks>
internal static unsafe class StopMachine
{
    /// <summary>How long to wait for the other threads by default.</summary>
    public const uint DefaultTimeoutMs = 5000;

    private const long FirstPatienceNs = 10 * Clock.NsPerMs;
    private const long LastPatienceNs = 640 * Clock.NsPerMs;

    private static bool s_isReserved;

    /// <summary>Reserves what a stop needs, once, and finds out whether one is possible. Called with the stop mutex held.</summary>
    /// <returns>0, -ENOMEM, or -EOPNOTSUPP: /proc is not there, or another pid namespace's.</returns>
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
    /// Opens a window: returns 0 when every other thread is parked and undeclared signals are blocked on this one.
    /// </summary>
    /// <returns>0, -EDEADLK, -EBUSY, -ETIMEDOUT, -EAGAIN, -ENOMEM or -EOPNOTSUPP; then everything is as before, and the host was told why.</returns>
    public static int Open(NmiThread* self, uint timeoutMs)
    {
        int error = TryOpen(self, timeoutMs, out StopReport report);
        if (error != 0)
        {
            report.Print();
        }

        return error;
    }

    /// <summary>The same for a caller whose own call does not fail with it: <paramref name="report"/> is what there would be to tell.</summary>
    public static int TryOpen(NmiThread* self, uint timeoutMs, out StopReport report)
    {
        report = default;
        StopState* stop = StopState.Shared;
        if (IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        // The mutex first: a thread that waits for it has to be stoppable by the one that holds it.
        StopTurn.Lock();
        ulong mask = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
        stop->OwnerMask = mask;
        stop->StartNs = 0;
        StopReport.Forget();
        long now = Clock.NowNs();
        bool hasSignal = false;
        int error = Reserve(stop);
        if (error == 0)
        {
            error = StopSignal.Verify(stop, now, out hasSignal);
            if (error != 0)
            {
                StopReport.Note(StopObstacle.SignalTaken, 0);
            }
        }

        if (error == 0 && StopTurn.Join(stop->Signal))
        {
            // Another copy of the library was here first: its mutex counts from now on.
            StopTurn.UnlockOwn();
            SignalSet.Set(mask);
            return TryOpen(self, timeoutMs, out report);
        }

        if (error == 0)
        {
            stop->Owner = (ulong)self;
            error = ParkAll(stop, now, (timeoutMs == 0 ? DefaultTimeoutMs : timeoutMs) * Clock.NsPerMs, hasSignal);
            if (error == 0)
            {
                stop->Stops++;
                stop->StoppedThreads += stop->Joined + StopAttempt.Seized;
                stop->SeizedThreads += StopAttempt.Seized;
                return 0;
            }

            Release(stop);
            stop->Owner = 0;
        }

        report = StopReport.Take();
        StopTurn.Unlock();
        SignalSet.Set(mask);
        return error;
    }

    /// <summary>Closes the window that this thread opened.</summary>
    public static void Close()
    {
        StopState* stop = StopState.Shared;
        ulong mask = stop->OwnerMask;
        if (stop->TextChanged != 0)
        {
            // Every CPU that runs one of our threads forgets the old text, before its thread goes on. A
            // process with one running thread gets away without, hence our own.
            stop->TextChanged = 0;
            if (stop->SerializeParked == 0 && !Membarrier.SyncCore())
            {
                stop->SerializeParked = 1; // forbidden since; they do it themselves
            }

            Native.SyncCore();
        }

        StopAttempt.NoteSuccess(stop, Release(stop));
        stop->Owner = 0;
        StopTurn.Unlock();
        SignalSet.Set(mask);
    }

    /// <summary>Must be called in the window after text was changed.</summary>
    public static void MarkTextChanged() => StopState.Shared->TextChanged = 1;

    /// <returns>When, <see cref="Clock.NowNs"/>.</returns>
    private static long Release(StopState* stop)
    {
        long now = Clock.NowNs();
        stop->DrainGeneration = 0;

        StopRequest<X86Threads>.Release(&stop->Word);

        // The generation is over: a seized thread that was on its way into the stop signal's handler joins nothing any more.
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
            stop->SerializeParked = Membarrier.Register() && Membarrier.SyncCore() ? 0u : 1u;
            Volatile.Write(ref stop->MembarrierRegistered, 1);
        }

        return stop->SerializeParked == 0;
    }

    /// <summary>
    /// Stops all threads, in as many attempts as it takes. A thread may wait for a lock that a parked one holds, where it takes no
    /// signal (the C library does so when threads are born and end), so an attempt that makes no progress is given up:
    /// everybody runs for a moment, and the next one waits longer.
    /// </summary>
    private static int ParkAll(StopState* stop, long now, long timeoutNs, bool hasSignal)
    {
        HasSyncCore(stop);
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

            // The host may have taken the signal meanwhile, as a runtime does that begins.
            now = Clock.NowNs();
            StopSignal.Verify(stop, now, out hasSignal);
        }
    }

    /// <summary>
    /// In the child of a fork: the other threads are not there, nor what they held. A window that the forking
    /// thread had open stays open, over nobody.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        StopState* stop = StopState.Shared;
        bool open = stop->Owner == (ulong)self;
        ThreadTable.Clear();
        StopAttempt.AfterFork();
        Seizer.AfterFork();
        StopSignal.AfterFork(stop);
        s_isReserved = false; // its /proc may be another one
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
        stop->TextChanged = 0;
        StopTurn.AfterFork();
    }
}
