using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Breakpoint;

/// <summary>
/// Waits, with the gate open, until every thread has been seen with SIGTRAP unblocked. Then no thread is in a handler that blocks
/// SIGTRAP and was entered before; NMIs that enter later announce themselves. Called with the stop mutex held.
/// </summary>
/// <remarks>
/// <para>/proc may show the mask of a system call that replaces the thread's own mask while it waits (<see cref="WaitingCall"/>).
/// A sample reads the mask, together with the number of times that the thread has gone to sleep, and then the call. Each of these shows
/// that a mask is the thread's own:</para>
/// <list type="number">
/// <item>The last sample found the thread asleep in a call that hides nothing, and the number is the same in both samples. The thread
/// has not gone to sleep since the first mask, so at the first mask it was asleep in that call already.</item>
/// <item>Three samples found the thread running, the number is the same in all, and it used <see cref="LongestCallNs"/> of CPU time
/// between the first two masks and between the last two. "running" alone is not enough: a thread that was woken up in such a call and
/// waits for a CPU is shown as running, and so is one that is about to go to sleep in one. But at the second mask the thread had left the
/// call that it was in at the first; and the next call, if the thread was in that one, would have put it to sleep before the third.
/// A thread that makes such calls again and again and never sleeps in them cannot be detected; see ftrace/patch.h.</item>
/// <item><see cref="EnoughSamples"/> samples found the thread asleep in a call that hides nothing, each with another number, and none in
/// between found SIGTRAP blocked or a call that hides it: the thread sleeps and wakes up faster than it can be sampled. If it had SIGTRAP
/// blocked, it would have been in a call that hides this at each mask, and in another call right after each mask; again and again, at
/// times that do not depend on its own.</item>
/// <item>The number is the one that the thread had when one of these was found in an earlier change, and it is in no call that hides
/// anything: it has not slept in one since.</item>
/// </list>
/// <para>A handler that interrupted such a call also runs with the mask of the call. A short one has ended by the second
/// mask; for others see ftrace/patch.h.</para>
/// </remarks>
internal static unsafe class TrapDelivery
{
    private const int BufferSize = 4096;
    private const int MaxThreads = StopState.MaxThreads;
    private const ulong HashMultiplier = 0x9e3779b97f4a7c15;
    private const int RoundsBeforeSleep = 8;
    private const long SleepNs = Clock.NsPerMs / 5;

    /// <summary>CPU time within which a call that replaces the mask goes to sleep or returns, unless it polls thousands of files.</summary>
    private const long LongestCallNs = 20_000;

    private const int EnoughSamples = 16;

    /// <summary>How often a thread is sampled at first, before the next thread is.</summary>
    private const int FirstSamples = 4;

    private static TaskSample* s_waiting;
    private static TaskSample* s_open; // threads seen with SIGTRAP unblocked, by thread id; a newer one replaces an older one

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        nuint bytes = (nuint)MaxThreads * (nuint)sizeof(TaskSample);

        s_waiting = s_waiting != null ? s_waiting : (TaskSample*)Memory.Map(bytes);
        s_open = s_open != null ? s_open : (TaskSample*)Memory.Map(bytes);
        return s_waiting != null && s_open != null;
    }

    /// <returns>
    /// 0; -ETIMEDOUT if a thread keeps SIGTRAP blocked, or may do so, or new threads are born all the time; -EAGAIN or -EOPNOTSUPP if /proc
    /// cannot be read.
    /// </returns>
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
                return -Errno.ETIMEDOUT; // threads are born faster than they can be sampled
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
    /// Samples the threads that were noted again and again, all of them in turn: a thread that lost its CPU in a handler gets one
    /// after some time, and all threads wait for theirs at the same time.
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

    /// <summary>Samples a thread.</summary>
    /// <param name="thread">Its last sample; replaced by the new one.</param>
    /// <param name="waits">It has SIGTRAP blocked, or may have, and can execute a breakpoint.</param>
    private static int Sample(TaskSample* thread, out bool waits)
    {
        int tid = thread->Tid;
        int error = SampleMask(thread, out waits, out ulong sleeps);
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

    private static int SampleMask(TaskSample* thread, out bool waits, out ulong sleeps)
    {
        waits = false;
        long ranNs = thread->RunNs < 0 ? 0 : Clock.RunTimeOf(thread->Tid); // before the mask
        int error = TaskFiles.MaskOf(thread->Tid, out ulong blocked, out sleeps);
        if (error != 0)
        {
            return error;
        }

        if ((blocked & SignalSet.Of(SignalSet.Sigtrap)) != 0)
        {
            waits = true;
            Forget(thread, sleeps);
            return 0;
        }

        if (thread->Sleeps == sleeps && IsOwn(thread, ranNs))
        {
            return 0;
        }

        return SampleCall(thread, sleeps, ranNs, out waits);
    }

    /// <summary>
    /// True if a mask was the thread's own. The thread has not slept since the last sample, and SIGTRAP is unblocked as it was then.
    /// </summary>
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

    /// <summary>Discards what earlier samples have shown: the thread has SIGTRAP blocked, or is in a call that hides this.</summary>
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
