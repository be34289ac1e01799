using System;
using System.Runtime.Intrinsics.X86;
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

    private const long SliceNs = 2 * Clock.NsPerMs;
    private const int PatcherSpins = 2000;
    private const long FirstPatienceNs = 8 * Clock.NsPerMs;
    private const long LastPatienceNs = 512 * Clock.NsPerMs;
    private const int BufferSize = 64 * 1024;
    private const uint ParkedSpins = 100;

    private static byte* s_buffer;
    private static int s_processors;
    private static bool s_leaderEnded;

    private static ReadOnlySpan<byte> TaskFolder => "/proc/self/task\0"u8;

    /// <summary>Reserves what a stop needs, once. Called with the stop mutex held.</summary>
    private static bool Reserve()
    {
        if (s_buffer == null && ThreadTable.Reserve() && TextPages.Reserve())
        {
            SharedState.Get->Stop.Records = ThreadTable.Records;
            s_processors = Environment.ProcessorCount;
            s_buffer = (byte*)Memory.Map(BufferSize);
        }

        return s_buffer != null;
    }

    /// <summary>True if the calling thread has a window open.</summary>
    public static bool IsOpen(NmiThread* self) => SharedState.Get->Stop.Owner == (ulong)self;

    /// <summary>
    /// Opens a window: returns 0 when every other thread is parked and undeclared signals are blocked on this one.
    /// </summary>
    /// <returns>0, -EDEADLK, -EBUSY, -ETIMEDOUT, -EAGAIN, -ENOMEM or -EOPNOTSUPP; then everything is as before.</returns>
    public static int Open(NmiThread* self, uint timeoutMs)
    {
        StopState* stop = &SharedState.Get->Stop;
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
            if (stop->SerializeParked == 0)
            {
                Membarrier.SyncCore();
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
        bool anybody = stop->Joined != 0;
        stop->LastStopNs = (ulong)(Clock.NowNs() - stop->StartNs);
        stop->MaxStopNs = Math.Max(stop->MaxStopNs, stop->LastStopNs);
        stop->DrainGeneration = 0;
        Interlocked.Exchange(ref stop->Word, (ulong)(stop->Generation + 1) << 32);
        if (anybody)
        {
            Futex.Wake(&stop->Generation, int.MaxValue);
        }

    }

    /// <summary>
    /// Stops all threads, in as many attempts as it takes. A thread that has every signal blocked may wait for a lock
    /// that a parked one holds (the C library does so when threads are born and end), so an attempt that makes no
    /// progress is given up: everybody runs for a moment, and the next one waits longer.
    /// </summary>
    private static int ParkAll(StopState* stop, long timeoutNs)
    {
        if (stop->MembarrierRegistered == 0)
        {
            stop->MembarrierRegistered = 1;
            stop->SerializeParked = Membarrier.Register() && Membarrier.SyncCore() ? 0u : 1u;
        }

        long deadline = Clock.NowNs() + timeoutNs;
        for (long patience = FirstPatienceNs; ; patience = Math.Min(patience * 2, LastPatienceNs))
        {
            int error = Attempt(stop, patience, deadline);
            if (error != -Errno.ETIMEDOUT || Clock.NowNs() >= deadline)
            {
                return error;
            }

            Release(stop);
            Clock.Sleep(patience / 4);
        }
    }

    /// <summary>One attempt: -ETIMEDOUT if no thread joined for <paramref name="patience"/> nanoseconds, or at the deadline.</summary>
    private static int Attempt(StopState* stop, long patience, long deadline)
    {
        stop->StartNs = Clock.NowNs();
        stop->WakeAt = 0;
        stop->Spins = ThreadTable.Used < s_processors ? ParkedSpins : 0;
        uint generation = stop->Generation + 1;
        Interlocked.Exchange(ref stop->Word, (ulong)generation << 32);

        // Ask those we know before looking for others: most of the time there are none.
        uint requested = 0;
        int self = (int)Native.Syscall(SyscallNumber.Gettid);
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid != 0 && record->Tid != self)
            {
                int error = Request(stop, record, generation, deadline, ref requested);
                if (error != 0)
                {
                    return error;
                }
            }
        }

        for (; ; )
        {
            int error = WaitForThreads(stop, generation, patience, deadline, ref requested);
            if (error != 0)
            {
                return error;
            }

            // All that were asked are parked, so nobody can end any more but threads unknown to us; if the
            // number of threads is what we have, there are none.
            long accounted = requested + (s_leaderEnded ? 2 : 1) + Math.Min(Native.Table->RuntimeThreads, NativeTable.MaxRuntimeThreads);
            long threads = CountThreads();
            if (threads == accounted)
            {
                return 0;
            }

            error = Scan(stop, self, generation, deadline, ref requested, out int found);
            if (error != 0)
            {
                return error;
            }

            if (found == 0 && threads <= 0)
            {
                // A system that does not count threads: a scan that finds nobody new has to do.
                return 0;
            }

            if (found == 0 && Clock.NowNs() - stop->StartNs >= patience)
            {
                return -Errno.ETIMEDOUT;
            }

            if (found == 0)
            {
                // One that is ending: let it.
                Native.Syscall(SyscallNumber.SchedYield);
            }
        }
    }

    /// <summary>Threads of the process by the link count of its task folder, or less than 1 if that does not tell.</summary>
    private static long CountThreads()
    {
        const int AtFdcwd = -100;
        const int LinksOffset = 16; // st_nlink in struct stat, x86-64
        const int OwnLinks = 2;

        fixed (byte* path = TaskFolder)
        {
            nint error = Native.Syscall(SyscallNumber.Newfstatat, AtFdcwd, (nint)path, (nint)s_buffer);
            return error != 0 ? 0 : *(long*)(s_buffer + LinksOffset) - OwnLinks;
        }
    }

    /// <summary>Lists the threads, and asks those to park that are not known yet.</summary>
    private static int Scan(StopState* stop, int self, uint generation, long deadline, ref uint requested, out int found)
    {
        found = 0;
        int folder;
        fixed (byte* path = TaskFolder)
        {
            folder = ProcFile.OpenFolder(path);
        }

        if (folder < 0)
        {
            return folder == -Errno.ENOENT ? -Errno.EOPNOTSUPP : folder;
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
                error = Request(stop, record, generation, deadline, ref requested);
            }
        }

        ProcFile.Close(folder);
        return error;
    }

    private static bool IsRuntimeThread(int tid)
    {
        NativeTable* native = Native.Table;
        long count = Math.Min(native->RuntimeThreads, NativeTable.MaxRuntimeThreads);
        for (int i = 0; i < count; i++)
        {
            if (native->RuntimeTids[i] == tid)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Sends the stop signal. A thread that is gone is forgotten.</summary>
    private static int Request(StopState* stop, ThreadRecord* record, uint generation, long deadline, ref uint requested)
    {
        int error = Send(stop, record, generation);
        while (error == -Errno.EAGAIN && Clock.NowNs() < deadline)
        {
            // The queue of signals is full; it empties as threads take theirs.
            Native.Syscall(SyscallNumber.SchedYield);
            error = Send(stop, record, generation);
        }

        if (error == -Errno.ESRCH)
        {
            ThreadTable.Remove(record);
            return 0;
        }

        if (error == 0)
        {
            record->RequestedGeneration = generation;
            requested++;
        }

        return error;
    }

    private static int Send(StopState* stop, ThreadRecord* record, uint generation)
    {
        Siginfo info = default;
        info.Signo = stop->Signal;
        info.Errno = StopHandler.Magic;
        info.Code = Siginfo.CodeQueue;
        info.Pid = stop->Pid;
        info.Value = (ulong)generation << 32 | (uint)(record - ThreadTable.Records);
        return (int)Native.Syscall(SyscallNumber.RtTgsigqueueinfo, stop->Pid, record->Tid, stop->Signal, (nint)(&info));
    }

    /// <summary>
    /// Waits until all <paramref name="requested"/> threads have joined; those that end meanwhile are taken off.
    /// </summary>
    private static int WaitForThreads(StopState* stop, uint generation, long patience, long deadline, ref uint requested)
    {
        int spins = requested < (uint)s_processors ? PatcherSpins : 0;
        uint lastJoined = 0;
        long progress = stop->StartNs;
        for (; ; )
        {
            Volatile.Write(ref stop->WakeAt, requested);
            Interlocked.MemoryBarrier(); // WakeAt before the count; pairs with the compare-exchange in StopHandler.Join
            uint joined = Volatile.Read(ref stop->Joined);
            if (joined == requested)
            {
                return 0;
            }

            long now = Clock.NowNs();
            if (joined != lastJoined)
            {
                lastJoined = joined;
                progress = now;
            }

            if (now >= deadline || now - progress >= patience)
            {
                return -Errno.ETIMEDOUT;
            }

            // Short waits are not slept through where the threads have CPUs of their own.
            for (; spins > 0 && Volatile.Read(ref stop->Joined) == joined; spins--)
            {
                X86Base.Pause();
            }

            if (Futex.Wait(&stop->Joined, joined, Math.Min(SliceNs, deadline - now)) == -Errno.ETIMEDOUT)
            {
                LookAfterMissing(stop, generation, ref requested);
            }
        }
    }

    /// <summary>Finds out which of the threads that have not joined can no longer do so.</summary>
    private static void LookAfterMissing(StopState* stop, uint generation, ref uint requested)
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || record->RequestedGeneration != generation || Volatile.Read(ref record->ParkedGeneration) == generation)
            {
                continue;
            }

            byte state = StateOf(record->Tid);
            if (state is 0 or (byte)'Z' or (byte)'X')
            {
                // A main thread that called pthread_exit() stays listed for as long as the process lives.
                s_leaderEnded |= record->Tid == stop->Pid;
                ThreadTable.Remove(record);
                requested--;
            }
        }
    }

    /// <summary>The state letter of a thread in proc(5); 0 if it is gone.</summary>
    private static byte StateOf(int tid)
    {
        const int StatSize = 512;

        byte* path = stackalloc byte[48];
        int length = 0;
        Append(path, ref length, "/proc/self/task/"u8);
        AppendNumber(path, ref length, tid);
        Append(path, ref length, "/stat\0"u8);
        int fd = ProcFile.Open(path);
        if (fd < 0)
        {
            return 0;
        }

        int bytes = ProcFile.Read(fd, s_buffer, StatSize);
        ProcFile.Close(fd);
        return bytes <= 0 ? (byte)0 : TaskScan.StateOf(new ReadOnlySpan<byte>(s_buffer, bytes));
    }

    private static void Append(byte* path, ref int length, ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
        {
            path[length++] = character;
        }
    }

    private static void AppendNumber(byte* path, ref int length, int number)
    {
        int divisor = 1;
        while (number / divisor >= 10)
        {
            divisor *= 10;
        }

        for (; divisor > 0; divisor /= 10)
        {
            path[length++] = (byte)('0' + number / divisor % 10);
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
