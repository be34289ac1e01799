using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Text;

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

    // Longer than a tick: a timer that is to fire before it has to be programmed at every wait.
    private const long SliceNs = 5 * Clock.NsPerMs;
    private const long FirstPatienceNs = 10 * Clock.NsPerMs;
    private const long LastPatienceNs = 640 * Clock.NsPerMs;
    private const long FullQueuePatienceNs = 50 * Clock.NsPerMs;
    private const int BufferSize = 64 * 1024;
    private const uint ParkedSpins = 100;

    private static byte* s_buffer;
    private static int s_processors;
    private static bool s_leaderEnded;

    // Of the attempt that is on: threads that were asked and have not ended, and kernel threads, which are not asked.
    private static uint s_requested;
    private static uint s_kernelWorkers;

    /// <summary>Reserves what a stop needs, once. Called with the stop mutex held.</summary>
    private static bool Reserve()
    {
        if (s_buffer == null && ThreadTable.Reserve() && TaskFiles.Reserve() && TextPages.Reserve())
        {
            SharedState.Get->Stop.Records = ThreadTable.Records;
            s_processors = Environment.ProcessorCount;
            s_buffer = (byte*)Memory.Map(BufferSize);
        }

        return s_buffer != null;
    }

    /// <summary>True if the calling thread has a window open.</summary>
    [NoInstr]
    public static bool IsOpen(NmiThread* self) => SharedState.Get->Stop.Owner == (ulong)self;

    /// <summary>
    /// Opens a window: returns 0 when every other thread is parked and undeclared signals are blocked on this one.
    /// </summary>
    /// <returns>0, -EDEADLK, -EBUSY, -ETIMEDOUT, -EAGAIN, -ENOMEM or -EOPNOTSUPP; then everything is as before.</returns>
    public static int Open(NmiThread* self, uint timeoutMs)
    {
        StopState* stop = &SharedState.Get->Stop;
        ForkChild.Detect(self);

        if (IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        // The mutex first: a thread that waits for it has to be stoppable by the one that holds it.
        FutexMutex.Lock(&stop->Mutex);
        ulong mask = SignalSet.BlockMore(~(stop->NmiSignals | SignalSet.Faults));
        stop->OwnerMask = mask;
        int error = Reserve() ? StopSignal.Verify(stop) : -Errno.ENOMEM;
        if (error == 0)
        {
            stop->Owner = (ulong)self;
            error = ParkAll(stop, (timeoutMs == 0 ? DefaultTimeoutMs : timeoutMs) * Clock.NsPerMs);
            if (error == 0)
            {
                stop->Stops++;
                stop->StoppedThreads += stop->Joined;
                return 0;
            }

            Release(stop);
            stop->Owner = 0;
        }

        FutexMutex.Unlock(&stop->Mutex);
        SignalSet.Set(mask);
        return error;
    }

    /// <summary>Closes the window that this thread opened.</summary>
    public static void Close()
    {
        StopState* stop = &SharedState.Get->Stop;
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

        Release(stop);
        stop->Owner = 0;
        FutexMutex.Unlock(&stop->Mutex);
        SignalSet.Set(mask);
    }

    /// <summary>Must be called in the window after text was changed.</summary>
    public static void MarkTextChanged() => SharedState.Get->Stop.TextChanged = 1;

    private static void Release(StopState* stop)
    {
        stop->LastStopNs = (ulong)(Clock.NowNs() - stop->StartNs);
        stop->MaxStopNs = Math.Max(stop->MaxStopNs, stop->LastStopNs);
        stop->DrainGeneration = 0;

        // Who has joined is known only by the exchange itself: a thread may join until then.
        ulong before = Interlocked.Exchange(ref stop->Word, (ulong)(stop->Generation + 1) << 32);
        if ((uint)before != 0)
        {
            Futex.Wake(&stop->Generation, int.MaxValue);
        }
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
    /// Stops all threads, in as many attempts as it takes. A thread that has every signal blocked may wait for a lock
    /// that a parked one holds (the C library does so when threads are born and end), so an attempt that makes no
    /// progress is given up: everybody runs for a moment, and the next one waits longer.
    /// </summary>
    private static int ParkAll(StopState* stop, long timeoutNs)
    {
        HasSyncCore(stop);
        stop->DeadlineNs = Clock.NowNs() + timeoutNs;
        for (long patience = FirstPatienceNs; ; patience = Math.Min(patience * 2, LastPatienceNs))
        {
            int error = Attempt(stop, patience);
            if (error != -Errno.ETIMEDOUT || Clock.NowNs() >= stop->DeadlineNs)
            {
                return error;
            }

            Release(stop);
            Clock.Sleep(patience / 4);
        }
    }

    /// <summary>One attempt: -ETIMEDOUT if no thread joined for <paramref name="patience"/> nanoseconds, or at the deadline.</summary>
    private static int Attempt(StopState* stop, long patience)
    {
        stop->StartNs = Clock.NowNs();
        stop->WakeAt = 0;
        stop->Spins = ThreadTable.Used < s_processors ? ParkedSpins : 0;
        Interlocked.Exchange(ref stop->Word, (ulong)(stop->Generation + 1) << 32);
        s_requested = 0;
        s_kernelWorkers = 0;

        // Ask those we know before looking for others: most of the time there are none.
        int self = (int)Native.Syscall(SyscallNumber.Gettid);
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid != 0 && record->Tid != self)
            {
                int error = Request(stop, record);
                if (error != 0)
                {
                    return error;
                }
            }
        }

        for (; ; )
        {
            int error = WaitForThreads(stop, patience);
            if (error != 0)
            {
                return error;
            }

            // All that were asked are parked, so nobody can end any more but threads unknown to us; if the
            // number of threads is what we have, there are none.
            long accounted = s_requested + s_kernelWorkers + (s_leaderEnded ? 2 : 1) + RuntimeThreads;
            long threads = TaskFiles.Count();
            if (threads == accounted)
            {
                return 0;
            }

            error = Scan(stop, self, out int found);
            if (error != 0)
            {
                return error;
            }

            if (found > 0)
            {
                continue;
            }

            if (threads <= 0)
            {
                // A system that does not count threads: a scan that finds nobody new has to do.
                return 0;
            }

            if (Clock.NowNs() - stop->StartNs >= patience)
            {
                return -Errno.ETIMEDOUT;
            }

            // One that is ending: let it.
            Native.Syscall(SyscallNumber.SchedYield);
        }
    }

    /// <summary>Lists the threads, and asks those to park that are not known yet.</summary>
    private static int Scan(StopState* stop, int self, out int found)
    {
        found = 0;
        int folder;
        fixed (byte* path = "/proc/self/task\0"u8)
        {
            folder = ProcFile.OpenFolder(path);
        }

        if (folder < 0)
        {
            return ProcFile.ErrorOf(folder);
        }

        int error = 0;
        while (error == 0)
        {
            nint bytes = Native.Syscall(SyscallNumber.Getdents64, folder, (nint)s_buffer, BufferSize);
            if (bytes <= 0)
            {
                error = (int)bytes;
                break;
            }

            var entries = new TaskScan(new ReadOnlySpan<byte>(s_buffer, (int)bytes));
            while (error == 0 && entries.Next(out int tid))
            {
                bool exempt = tid == self || IsRuntimeThread(tid) || (s_leaderEnded && tid == stop->Pid);
                if (exempt || ThreadTable.Find(tid) != null)
                {
                    continue;
                }

                ThreadRecord* record = ThreadTable.Add(tid);
                if (record == null)
                {
                    error = -Errno.EAGAIN;
                    break;
                }

                found++;
                error = Request(stop, record);
            }
        }

        ProcFile.Close(folder);
        return error;
    }

    private static long RuntimeThreads => Math.Min(Native.Table->RuntimeThreads, NativeTable.MaxRuntimeThreads);

    /// <summary>True for a thread of the runtime's own, which runs no code but this library's.</summary>
    public static bool IsRuntimeThread(int tid)
    {
        for (int i = 0; i < RuntimeThreads; i++)
        {
            if (Native.Table->RuntimeTids[i] == tid)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Asks a thread to park. One that is gone is forgotten.</summary>
    private static int Request(StopState* stop, ThreadRecord* record)
    {
        if (record->KernelWorker != 0)
        {
            // Its id may be another's by now.
            record->KernelWorker = TaskFiles.KindOf(record->Tid) == TaskKind.KernelWorker ? 1u : 0u;
            if (record->KernelWorker != 0)
            {
                s_kernelWorkers++;
                return 0;
            }
        }

        // The generation before looking whether a signal is under way; pairs with StopHandler.OnSignal: either the
        // handler of that one sees this generation, or we see that it has been there, and send another.
        Interlocked.Exchange(ref record->RequestedGeneration, stop->Generation);
        if (Volatile.Read(ref record->SignalSent) != 0 && TaskFiles.IsPending(record->Tid, stop->Signal))
        {
            s_requested++;
            return 0;
        }

        Volatile.Write(ref record->SignalSent, 1);
        int error = Send(stop, record);
        while (error == -Errno.EAGAIN && Clock.NowNs() < Math.Min(stop->DeadlineNs, stop->StartNs + FullQueuePatienceNs))
        {
            // The queue of signals is full. If it is with ours, it empties at once, as threads take theirs.
            Native.Syscall(SyscallNumber.SchedYield);
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
        info.Code = Siginfo.CodeQueue;
        info.Pid = stop->Pid;
        info.Value = (ulong)(record - ThreadTable.Records);
        return (int)Native.Syscall(SyscallNumber.RtTgsigqueueinfo, stop->Pid, record->Tid, stop->Signal, (nint)(&info));
    }

    /// <summary>Waits until all threads that were asked have joined; those that end meanwhile are taken off.</summary>
    private static int WaitForThreads(StopState* stop, long patience)
    {
        uint lastJoined = 0;
        long progress = stop->StartNs;
        long looked = stop->StartNs;
        for (; ; )
        {
            Volatile.Write(ref stop->WakeAt, s_requested);
            Interlocked.MemoryBarrier(); // WakeAt before the count; pairs with the compare-exchange in StopHandler.Join
            uint joined = Volatile.Read(ref stop->Joined);
            if (joined == s_requested)
            {
                return 0;
            }

            long now = Clock.NowNs();
            if (joined != lastJoined)
            {
                lastJoined = joined;
                progress = now;
            }

            if (now >= stop->DeadlineNs || now - progress >= patience)
            {
                return -Errno.ETIMEDOUT;
            }

            if (now - looked >= SliceNs)
            {
                looked = now;
                LookAfterMissing(stop);
                continue;
            }

            Futex.Wait(&stop->Joined, joined, Math.Min(SliceNs, stop->DeadlineNs - now));
        }
    }

    /// <summary>Finds out which of the threads that have not joined can no longer do so, or never could.</summary>
    private static void LookAfterMissing(StopState* stop)
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || record->KernelWorker != 0 || record->RequestedGeneration != stop->Generation
                || Volatile.Read(ref record->ParkedGeneration) == stop->Generation)
            {
                continue;
            }

            switch (TaskFiles.KindOf(record->Tid))
            {
                case TaskKind.Ended:
                    // A main thread that called pthread_exit() stays listed for as long as the process lives.
                    s_leaderEnded |= record->Tid == stop->Pid;
                    goto case TaskKind.Gone;
                case TaskKind.Gone:
                    ThreadTable.Remove(record);
                    s_requested--;
                    break;
                case TaskKind.KernelWorker:
                    record->KernelWorker = 1;
                    s_kernelWorkers++;
                    s_requested--;
                    break;
            }
        }
    }

    /// <summary>
    /// In the child of a fork: the other threads are not there, nor what they held. A window that the forking
    /// thread had open stays open, over nobody.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        StopState* stop = &SharedState.Get->Stop;
        bool open = stop->Owner == (ulong)self;
        ThreadTable.Clear();
        s_leaderEnded = false;
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
        stop->Mutex = 0;
    }
}
