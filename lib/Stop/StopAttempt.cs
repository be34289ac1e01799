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
/// <item>Inspect: which threads take the stop signal, and which have to be seized (<see cref="ThreadInspection"/>). The seizing process
/// becomes the tracer of the latter (<see cref="SeizePlan"/>). If it cannot, the attempt fails while all threads still run.</item>
/// <item>Ask: the former are sent the signal, and at the same time the latter are stopped by ptrace(2).</item>
/// <item>Wait. A thread that has blocked the signal since is seized (<see cref="MissingThreads"/>).</item>
/// <item>Count: when as many threads have stopped as the process has, there are no others. Threads that were born meanwhile are inspected
/// and asked in the same way.</item>
/// </list>
/// <para>What these parts share is in <see cref="AttemptState"/>.</para>
/// </remarks>
internal static unsafe class StopAttempt
{
    // Longer than a tick: the kernel would have to program a timer for a shorter one at every wait.
    private const long SliceNs = 5 * Clock.NsPerMs;
    private const long FullQueuePatienceNs = 50 * Clock.NsPerMs;
    private const long PauseNs = Clock.NsPerMs / 20;

    /// <summary>How long a thread may take to park before it is inspected.</summary>
    private const long LatePatienceNs = 2 * Clock.NsPerMs;

    private const int BufferSize = 64 * 1024;
    private const uint ParkedSpins = 100;

    private static byte* s_buffer;
    private static int s_processors;
    private static uint s_scan;

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        s_processors = Environment.ProcessorCount;
        s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(BufferSize);
        return s_buffer != null;
    }

    /// <returns>
    /// 0: all stand still. -ETIMEDOUT if no thread stopped for <paramref name="patience"/> nanoseconds, at the deadline, or if a thread takes
    /// no signal and cannot be seized. -EBUSY: there is no signal, and a thread cannot be seized. -EAGAIN, -ENOMEM, -EOPNOTSUPP.
    /// </returns>
    public static int Run(StopState* stop, long now, bool isFirst, bool hasSignal, long patience)
    {
        AttemptState.Begin(isFirst, hasSignal);
        stop->StartNs = 0; // no thread has been asked
        int error = InspectAll(stop, now, out bool inspected);
        if (error != 0)
        {
            return error;
        }

        Begin(stop);
        error = SeizePlan.Attach(stop, SeizeCommand.AttachOnly);
        if (error != 0)
        {
            return error;
        }

        stop->StartNs = StartOf(now, inspected);
        error = AskAll(stop);
        if (error != 0)
        {
            return error;
        }

        // The seizing process has to get a CPU of its own first.
        return WaitForAll(stop, Seizer.IsRunning ? patience * 4 : patience);
    }

    /// <summary>
    /// Called after an attempt that failed, while all threads run: waits a moment, and longer while the thread that did not stop is in a
    /// state in which it cannot stop.
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

    private static int InspectAll(StopState* stop, long now, out bool inspected)
    {
        inspected = false;
        int error = 0;
        if (TaskFiles.Count() != AttemptState.ExpectedThreads)
        {
            error = Scan(stop, out _);
        }

        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (!AttemptState.IsOther(record) || ThreadInspection.IsKnownToStop(record, now))
            {
                continue;
            }

            error = ThreadInspection.Inspect(stop, record);
            inspected = true;
        }

        SeizePlan.Choose(stop);
        return error;
    }

    /// <summary>When the first thread is asked.</summary>
    private static long StartOf(long now, bool inspected)
    {
        if (Seizer.StopStartNs != 0)
        {
            return Seizer.StopStartNs;
        }

        return inspected || Seizer.IsRunning ? Clock.NowNs() : now;
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

            // All threads that were asked stand still, so only unknown threads can end. If the number of threads is that of the
            // known ones, there are no unknown ones.
            long accounted = AttemptState.Counted + AttemptState.WithoutRecord;
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
                // A system that does not count threads: a scan that finds no new thread has to be enough.
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
                // A thread is ending.
                Clock.Sleep(PauseNs);
            }
        }
    }

    /// <summary>Asks the threads that the last scan has found.</summary>
    private static int AskNew(StopState* stop)
    {
        int error = 0;
        for (int i = 0; i < ThreadTable.Used && error == 0; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (AttemptState.IsOther(record) && record->IsNew != 0)
            {
                error = ThreadInspection.Inspect(stop, record);
            }
        }

        error = error != 0 ? error : SeizePlan.AttachAndStop(stop);
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
        AttemptState.IsOther(record) && record->MustBeSeized == 0 && Volatile.Read(ref record->Seize) == SeizeStatus.None;

    /// <summary>
    /// Lists the threads: adds records for those that have none, and removes those of threads that have ended.
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
            if (tid == AttemptState.Self || (AttemptState.LeaderEnded && tid == stop->Pid))
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
            RemoveUnlisted();
        }

        return error;
    }

    /// <summary>
    /// Removes the records of threads that the scan did not list. One that is in an attempt is counted, and stays until its end is known.
    /// </summary>
    private static void RemoveUnlisted()
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (AttemptState.IsOther(record) && record->Scan != s_scan && AttemptState.Counted == 0
                && record->Seize == SeizeStatus.None)
            {
                ThreadTable.Remove(record);
            }
        }
    }

    /// <summary>Asks a thread to park. The record of one that has ended is removed.</summary>
    private static int Request(StopState* stop, ThreadRecord* record)
    {
        if (!StopRequest<X86Threads>.Request(&record->RequestedGeneration, &record->SignalSent, stop->Generation, record->Tid))
        {
            AttemptState.Requested++; // a signal is under way
            return 0;
        }

        int error = Send(stop, record);
        while (error == -Errno.EAGAIN && Clock.NowNs() < Math.Min(stop->DeadlineNs, stop->StartNs + FullQueuePatienceNs))
        {
            // The queue of signals is full. If it is full of ours, it empties at once, as threads take theirs.
            Clock.Sleep(PauseNs);
            error = Send(stop, record);
        }

        switch (error)
        {
            case 0:
                AttemptState.Requested++;
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

    /// <summary>Waits until all threads that were asked stand still. Those that end meanwhile are no longer counted.</summary>
    private static int WaitForThreads(StopState* stop, long patience)
    {
        uint lastJoined = 0;
        long progress = stop->StartNs;
        long inspected = stop->StartNs;
        for (; ; )
        {
            if (Seizer.IsRunning)
            {
                AttemptState.Recount(stop);
            }

            uint joined = StopRequest<X86Threads>.Expect(&stop->Word, &stop->WakeAt, AttemptState.Requested);
            long now = Clock.NowNs();
            if (joined == AttemptState.Requested && !Seizer.IsRunning)
            {
                return 0;
            }

            if (joined >= AttemptState.Requested && Seizer.IsRunning)
            {
                // More threads have parked if one that is being seized had been sent a signal before.
                int error = Seizer.WaitStopped(Math.Min(stop->DeadlineNs, Math.Max(now, progress) + SliceNs));
                AttemptState.Recount(stop);
                if (error == 0 && joined == AttemptState.Requested)
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
                MissingThreads.Report(stop);
                return -Errno.ETIMEDOUT;
            }

            if (now - inspected >= (inspected == stop->StartNs ? LatePatienceNs : SliceNs))
            {
                inspected = now;
                int error = MissingThreads.Inspect(stop);
                if (error != 0)
                {
                    return error;
                }

                continue;
            }

            if (joined < AttemptState.Requested)
            {
                long slice = inspected == stop->StartNs ? LatePatienceNs : SliceNs;
                Futex.Wait(&stop->Joined, joined, Math.Min(slice, stop->DeadlineNs - now));
            }
        }
    }
}
