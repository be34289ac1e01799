using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Stop;

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
/// <item>The last look found it running, the number is the same in both, and it has used <see cref="LongestCallNs"/> of CPU time in
/// between. "running" alone says little: so is a thread that has been woken up in such a call and waits for a core. But
/// having run for this time without sleeping it has left the call, and the second mask is its own. One that makes such calls again
/// and again and never sleeps there is not found out; ftrace/patch.h says so.</item>
/// <item>The number is the one that it had when one of these was found in an earlier change: it has not been asleep in any call since.</item>
/// <item><see cref="EnoughLooks"/> looks have found neither SIGTRAP blocked nor a call that hides it, each with another number: a thread
/// that sleeps and wakes up faster than it can be looked at. One that has SIGTRAP blocked would have been in such a call at each
/// of the masks, and in none when the call was read at once after it; again and again, at times that have nothing to do with its own.</item>
/// </list>
/// <para>A handler that has interrupted such a call runs with the mask of the call too. A short one is over at the second
/// look; ftrace/patch.h has the others.</para>
/// </remarks>
internal static unsafe class TrapDelivery
{
    private const int BufferSize = 4096;
    private const ulong Mix = 0x9e3779b97f4a7c15;
    private const int LooksBeforeSleep = 8;
    private const long SleepNs = Clock.NsPerMs / 5;

    /// <summary>CPU time within which a call that replaces the mask goes to sleep or returns, but for one that looks at thousands of files.</summary>
    private const long LongestCallNs = 20_000;

    private const int EnoughLooks = 16;

    /// <summary>How often it is looked at a thread at first, before the others.</summary>
    private const int FirstLooks = 4;

    private static TaskLook* s_waiting;
    private static TaskLook* s_open; // of the last change: by thread id, the last one to come counts

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        nuint bytes = (nuint)ThreadTable.Capacity * (nuint)sizeof(TaskLook);

        s_waiting = s_waiting != null ? s_waiting : (TaskLook*)Memory.Map(bytes);
        s_open = s_open != null ? s_open : (TaskLook*)Memory.Map(bytes);
        return s_waiting != null && s_open != null;
    }

    /// <returns>0; -ETIMEDOUT if a thread keeps SIGTRAP blocked, or may do so, or new ones come all the time; -EAGAIN, -EOPNOTSUPP for what /proc does not tell.</returns>
    public static int Wait(long deadlineNs)
    {
        for (; ; )
        {
            // A thread is born with the mask of its parent. So when nobody came while we looked, all are seen.
            int error = LookAtAll(look: true, out ulong seen, out int waiting);
            if (error == 0)
            {
                error = WaitForRest(waiting, deadlineNs);
            }

            ulong listed = 0;
            if (error == 0)
            {
                error = LookAtAll(look: false, out listed, out _);
            }

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

    /// <summary>Lists the threads, and looks once at each if asked to.</summary>
    /// <param name="look">Note those that have SIGTRAP blocked, or may have.</param>
    /// <param name="set">A sum over all thread ids: the same for the same set of threads.</param>
    /// <param name="waiting">How many were noted.</param>
    [SkipLocalsInit]
    private static int LookAtAll(bool look, out ulong set, out int waiting)
    {
        set = 0;
        waiting = 0;
        int folder;
        fixed (byte* path = "/proc/self/task\0"u8)
        {
            folder = ProcFile.OpenFolder(path);
        }

        if (folder < 0)
        {
            return ProcFile.ErrorOf(folder);
        }

        byte* buffer = stackalloc byte[BufferSize];
        int self = (int)Native.Syscall(SyscallNumber.Gettid);
        int error = 0;
        while (error == 0)
        {
            nint bytes = Native.Syscall(SyscallNumber.Getdents64, folder, (nint)buffer, BufferSize);
            if (bytes <= 0)
            {
                error = (int)bytes;
                break;
            }

            var entries = new TaskScan(new ReadOnlySpan<byte>(buffer, (int)bytes));
            while (error == 0 && entries.Next(out int tid))
            {
                set += (ulong)tid * Mix;
                if (!look || tid == self || StopAttempt.IsRuntimeThread(tid))
                {
                    continue;
                }

                var first = new TaskLook { Tid = tid, Pid = SharedState.Get->Stop.Pid, RunNs = TaskLook.Nothing };
                bool waits = true;
                for (int looks = 0; error == 0 && waits && looks < FirstLooks; looks++)
                {
                    error = Look(&first, out waits);
                }

                if (waits && waiting == ThreadTable.Capacity)
                {
                    error = -Errno.EAGAIN;
                }
                else if (waits)
                {
                    s_waiting[waiting++] = first;
                }
            }
        }

        ProcFile.Close(folder);
        return error;
    }

    /// <summary>
    /// Looks again and again at those that were noted, at all of them in turn: a thread that lost its core in a handler
    /// gets it back after some time, and all of these times pass at once.
    /// </summary>
    private static int WaitForRest(int waiting, long deadlineNs)
    {
        for (int looks = 0; waiting != 0; looks++)
        {
            if (Clock.NowNs() >= deadlineNs)
            {
                return -Errno.ETIMEDOUT;
            }

            if (looks < LooksBeforeSleep)
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
                int error = Look(s_waiting + i, out bool waits);
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
    private static int Look(TaskLook* thread, out bool waits)
    {
        int tid = thread->Tid;
        long ranNs = thread->RunNs < 0 ? 0 : RunTimeOf(tid); // before the mask
        int error = TaskFiles.MaskOf(tid, out ulong blocked, out ulong sleeps);
        waits = error == 0 && ((blocked & SignalSet.Of(SignalSet.Sigtrap)) != 0 || !IsOwn(thread, sleeps, ranNs));
        if (error == 0 && !waits)
        {
            *OpenOf(tid) = new TaskLook { Tid = tid, Pid = thread->Pid, Sleeps = sleeps };
            return 0;
        }

        if (error == 0)
        {
            error = LookAtCall(thread, sleeps, (blocked & SignalSet.Of(SignalSet.Sigtrap)) != 0);
        }

        if (error is -Errno.ENOENT or -Errno.ESRCH)
        {
            waits = false;
            return 0;
        }

        waits = error == 0 && TaskFiles.KindOf(tid) is not (TaskKind.Gone or TaskKind.Ended or TaskKind.KernelWorker);
        return error == 0 ? 0 : ProcFile.ErrorOf(error);
    }

    /// <summary>A thread was seen with SIGTRAP unblocked: whether that is known to be its own mask.</summary>
    private static bool IsOwn(TaskLook* thread, ulong sleeps, long ranNs)
    {
        TaskLook* open = OpenOf(thread->Tid);
        return (open->Tid == thread->Tid && open->Pid == thread->Pid && open->Sleeps == sleeps)
            || (thread->Sleeps == sleeps && thread->RunNs == TaskLook.Asleep)
            || (thread->Sleeps == sleeps && thread->RunNs >= 0 && ranNs - thread->RunNs >= LongestCallNs)
            || thread->Harmless >= EnoughLooks;
    }

    private static int LookAtCall(TaskLook* thread, ulong sleeps, bool blocked)
    {
        bool slept = thread->Sleeps != sleeps;
        thread->Sleeps = sleeps;
        if (blocked)
        {
            thread->RunNs = TaskLook.Nothing;
            thread->Harmless = 0;
            return 0;
        }

        int error = TaskFiles.CallOf(thread->Tid, out WaitingCall call);
        bool hides = call.MayHide(SignalSet.Sigtrap);
        thread->Harmless = hides ? 0 : thread->Harmless + (slept ? 1 : 0);
        if (hides || !call.IsRunning)
        {
            thread->RunNs = hides ? TaskLook.Nothing : TaskLook.Asleep;
        }
        else if (slept || thread->RunNs < 0)
        {
            thread->RunNs = RunTimeOf(thread->Tid); // after the mask
        }

        return error;
    }

    private static TaskLook* OpenOf(int tid) => s_open + (uint)tid % ThreadTable.Capacity;

    /// <summary>CPU time that a thread has used, in nanoseconds, up to now even while it runs.</summary>
    private static long RunTimeOf(int tid)
    {
        const int OfThread = 4; // CPUCLOCK_PERTHREAD_MASK
        const int Scheduler = 2; // CPUCLOCK_SCHED

        Timespec used;
        nint error = Native.Syscall(SyscallNumber.ClockGettime, ~tid << 3 | OfThread | Scheduler, (nint)(&used));
        return error != 0 ? TaskLook.Nothing : used.Seconds * Clock.NsPerSecond + used.Nanoseconds;
    }
}
