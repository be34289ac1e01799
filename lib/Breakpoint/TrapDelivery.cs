using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Breakpoint;

/// <summary>
/// Waits until every thread has been seen with SIGTRAP unblocked, with the gate open: then no thread is inside of a handler
/// that blocks it and entered before, and those that enter later announce themselves. Called with the stop mutex held.
/// </summary>
/// <remarks>
/// <para>What /proc shows may be the mask of a call that replaces the thread's own for as long as it waits (<see cref="WaitingCall"/>).
/// A look reads the mask, together with the number of times that the thread has gone to sleep, and then the call. Any of these shows
/// that a mask is the thread's own:</para>
/// <list type="number">
/// <item>The last look found it asleep in a call that hides nothing, and the number is the same in both. To be asleep at the
/// call without having gone to sleep since the first mask, it was asleep in that call at the first mask already.</item>
/// <item>Three looks found it running, the number is the same in all, and it has used <see cref="LongestCallNs"/> of CPU time between
/// the first two masks and between the last two. "running" alone says little: so is a thread that has been woken up in such a call
/// and waits for a core, or is about to go to sleep in one. But at the second mask it had left the call that it was in at the first;
/// and the next one, if it had been in that, would have put it to sleep before the third. One that makes such calls again
/// and again and never sleeps in them is not found out; ftrace/patch.h says so.</item>
/// <item><see cref="EnoughSamples"/> looks found it asleep in a call that hides nothing, each with another number, and none in between
/// found SIGTRAP blocked or a call that hides it: a thread that sleeps and wakes up faster than it can be looked at. One that has
/// SIGTRAP blocked would have been in a call that hides it at each of the masks, and in another one when that was read at once after
/// the mask; again and again, at times that have nothing to do with its own.</item>
/// <item>The number is the one that it had when one of these was found in an earlier change, and it is in no call that hides
/// anything: it has not been asleep in one since.</item>
/// </list>
/// <para>A handler that has interrupted such a call runs with the mask of the call too. A short one is over at the second
/// mask; ftrace/patch.h has the others.</para>
/// </remarks>
internal static unsafe class TrapDelivery
{
    private const int BufferSize = 4096;
    private const int MaxThreads = StopState.MaxThreads;
    private const ulong HashMultiplier = 0x9e3779b97f4a7c15;
    private const int RoundsBeforeSleep = 8;
    private const long SleepNs = Clock.NsPerMs / 5;

    /// <summary>CPU time within which a call that replaces the mask goes to sleep or returns, but for one that looks at thousands of files.</summary>
    private const long LongestCallNs = 20_000;

    private const int EnoughSamples = 16;

    /// <summary>How often it is looked at a thread at first, before the others.</summary>
    private const int FirstSamples = 4;

    private static TaskSample* s_waiting;
    private static TaskSample* s_open; // of the last change: by thread id, the last one to come counts

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        nuint bytes = (nuint)MaxThreads * (nuint)sizeof(TaskSample);

        s_waiting = s_waiting != null ? s_waiting : (TaskSample*)Memory.Map(bytes);
        s_open = s_open != null ? s_open : (TaskSample*)Memory.Map(bytes);
        return s_waiting != null && s_open != null;
    }

    /// <returns>0; -ETIMEDOUT if a thread keeps SIGTRAP blocked, or may do so, or new ones come all the time; -EAGAIN, -EOPNOTSUPP for what /proc does not tell.</returns>
    public static int Wait(long deadlineNs)
    {
        for (; ; )
        {
            // A thread is born with the mask of its parent. So if no thread was born meanwhile, all have been seen.
            int error = SampleAll(out ulong seen, out int waiting);
            if (error != 0)
            {
                return error;
            }

            error = WaitForRest(waiting, deadlineNs);
            if (error != 0)
            {
                return error;
            }

            error = ListThreads(out ulong listed);
            if (error != 0 || listed == seen)
            {
                return error;
            }

            if (Clock.NowNs() >= deadlineNs)
            {
                return -Errno.ETIMEDOUT; // threads are born faster than they can be looked at
            }
        }
    }

    /// <summary>Lists the threads.</summary>
    /// <param name="set">A sum over all thread ids: the same for the same set of threads.</param>
    [SkipLocalsInit]
    private static int ListThreads(out ulong set)
    {
        set = 0;
        byte* buffer = stackalloc byte[BufferSize];
        var tasks = new TaskList(buffer, BufferSize);
        int error = tasks.Open();
        if (error != 0)
        {
            return error;
        }

        while (tasks.Next(out int tid))
        {
            set += (ulong)tid * HashMultiplier;
        }

        tasks.Close();
        return tasks.Error;
    }

    /// <summary>Samples every other thread, and notes those that have SIGTRAP blocked, or may have.</summary>
    /// <param name="set">As of <see cref="ListThreads"/>.</param>
    /// <param name="waiting">How many were noted.</param>
    [SkipLocalsInit]
    private static int SampleAll(out ulong set, out int waiting)
    {
        set = 0;
        waiting = 0;
        byte* buffer = stackalloc byte[BufferSize];
        var tasks = new TaskList(buffer, BufferSize);
        int error = tasks.Open();
        if (error != 0)
        {
            return error;
        }

        int self = (int)Native.Syscall(SyscallNumber.Gettid);
        while (error == 0 && tasks.Next(out int tid))
        {
            set += (ulong)tid * HashMultiplier;
            if (tid == self)
            {
                continue;
            }

            var first = new TaskSample { Tid = tid, Pid = StopState.Shared->Pid, RunNs = TaskSample.Nothing };
            bool waits = true;
            for (int samples = 0; error == 0 && waits && samples < FirstSamples; samples++)
            {
                error = Sample(&first, out waits);
            }

            if (waits && waiting == MaxThreads)
            {
                error = -Errno.EAGAIN;
            }
            else if (waits)
            {
                s_waiting[waiting++] = first;
            }
        }

        tasks.Close();
        return error != 0 ? error : tasks.Error;
    }

    /// <summary>
    /// Looks again and again at those that were noted, at all of them in turn: a thread that lost its core in a handler
    /// gets it back after some time, and all of these times pass at once.
    /// </summary>
    private static int WaitForRest(int waiting, long deadlineNs)
    {
        for (int rounds = 0; waiting != 0; rounds++)
        {
            if (Clock.NowNs() >= deadlineNs)
            {
                return -Errno.ETIMEDOUT;
            }

            if (rounds < RoundsBeforeSleep)
            {
                Native.Syscall(SyscallNumber.SchedYield);
            }
            else
            {
                Clock.Sleep(SleepNs);
            }

            int left = 0;
            for (int i = 0; i < waiting; i++)
            {
                int error = Sample(s_waiting + i, out bool waits);
                if (error != 0)
                {
                    return error;
                }

                if (waits)
                {
                    s_waiting[left++] = s_waiting[i];
                }
            }

            waiting = left;
        }

        return 0;
    }

    /// <summary>Looks at a thread, and notes in <paramref name="thread"/> what it has seen.</summary>
    /// <param name="thread">The last look at it.</param>
    /// <param name="waits">It has SIGTRAP blocked, or may have, and can run into a breakpoint.</param>
    private static int Sample(TaskSample* thread, out bool waits)
    {
        int tid = thread->Tid;
        long ranNs = thread->RunNs < 0 ? 0 : Clock.RunTimeOf(tid); // before the mask
        int error = TaskFiles.MaskOf(tid, out ulong blocked, out ulong sleeps);
        waits = error == 0;
        if (error == 0 && (blocked & SignalSet.Of(SignalSet.Sigtrap)) != 0)
        {
            Forget(thread, sleeps);
        }
        else if (error == 0 && thread->Sleeps == sleeps && IsOwn(thread, ranNs))
        {
            waits = false;
        }
        else if (error == 0)
        {
            error = SampleCall(thread, sleeps, ranNs, out waits);
        }

        if (error is -Errno.ENOENT or -Errno.ESRCH)
        {
            waits = false;
            return 0;
        }

        if (error != 0)
        {
            return ProcFile.ErrorOf(error);
        }

        if (!waits)
        {
            *OpenOf(tid) = new TaskSample { Tid = tid, Pid = thread->Pid, Sleeps = sleeps };
        }

        waits = waits && TaskFiles.KindOf(tid) is not (TaskKind.Gone or TaskKind.Ended or TaskKind.KernelWorker);
        return 0;
    }

    /// <summary>A thread has not slept since the last look, and has SIGTRAP unblocked as it had then: whether a mask was its own.</summary>
    private static bool IsOwn(TaskSample* thread, long ranNs) =>
        thread->RunNs == TaskSample.Asleep || (thread->HasRun && ranNs - thread->RunNs >= LongestCallNs);

    private static int SampleCall(TaskSample* thread, ulong sleeps, long ranNs, out bool waits)
    {
        waits = true;
        int error = TaskFiles.CallOf(thread->Tid, out WaitingCall call);
        if (error != 0)
        {
            return error;
        }

        if (call.MayHide(SignalSet.Sigtrap))
        {
            Forget(thread, sleeps);
            return 0;
        }

        bool slept = thread->Sleeps != sleeps;
        bool awake = !slept && thread->RunNs >= 0;
        thread->Sleeps = sleeps;
        if (!call.IsRunning)
        {
            thread->RunNs = TaskSample.Asleep;
            thread->HasRun = false;
            thread->Harmless += slept ? 1 : 0;
        }
        else if (!awake || (!thread->HasRun && ranNs - thread->RunNs >= LongestCallNs))
        {
            thread->HasRun = awake;
            long ran = Clock.RunTimeOf(thread->Tid); // after the mask
            thread->RunNs = ran < 0 ? TaskSample.Nothing : ran;
        }

        TaskSample* open = OpenOf(thread->Tid);
        bool wasOpen = open->Tid == thread->Tid && open->Pid == thread->Pid && open->Sleeps == sleeps;
        waits = !wasOpen && thread->Harmless < EnoughSamples;
        return 0;
    }

    /// <summary>It has SIGTRAP blocked, or is in a call that hides it.</summary>
    private static void Forget(TaskSample* thread, ulong sleeps)
    {
        thread->Sleeps = sleeps;
        thread->RunNs = TaskSample.Nothing;
        thread->HasRun = false;
        thread->Harmless = 0;
        OpenOf(thread->Tid)->Tid = 0;
    }

    private static TaskSample* OpenOf(int tid) => s_open + (uint)tid % MaxThreads;
}
