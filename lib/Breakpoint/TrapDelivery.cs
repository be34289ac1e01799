using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Stop;

namespace Ftrace.Breakpoint;

/// <summary>
/// Waits until every thread has been seen with SIGTRAP unblocked, with the gate open: then no thread is inside of a handler
/// that blocks it and entered before, and those that enter later announce themselves. Called with the stop mutex held.
/// </summary>
internal static unsafe class TrapDelivery
{
    private const int BufferSize = 4096;
    private const ulong Mix = 0x9e3779b97f4a7c15;
    private const int LooksBeforeSleep = 8;
    private const long SleepNs = Clock.NsPerMs / 5;

    private static int* s_waiting; // thread ids

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        s_waiting = s_waiting != null ? s_waiting : (int*)Memory.Map(ThreadTable.Capacity * sizeof(int));
        return s_waiting != null;
    }

    /// <returns>0; -ETIMEDOUT if a thread keeps SIGTRAP blocked, or new ones come all the time; -EAGAIN, -EOPNOTSUPP for what /proc does not tell.</returns>
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
    /// <param name="look">Note those that have SIGTRAP blocked.</param>
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

                error = Look(tid, out bool blocked);
                if (blocked && waiting == ThreadTable.Capacity)
                {
                    error = -Errno.EAGAIN;
                }
                else if (blocked)
                {
                    s_waiting[waiting++] = tid;
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
                int error = Look(s_waiting[i], out bool blocked);
                if (error != 0)
                {
                    return error;
                }

                if (blocked)
                {
                    s_waiting[left++] = s_waiting[i];
                }
            }

            waiting = left;
        }

        return 0;
    }

    /// <summary>Whether a thread has SIGTRAP blocked, and can ever run into a breakpoint.</summary>
    private static int Look(int tid, out bool blocked)
    {
        int error = TaskFiles.Blocks(tid, SignalSet.Sigtrap, out blocked);
        if (error is -Errno.ENOENT or -Errno.ESRCH)
        {
            return 0;
        }

        if (error != 0)
        {
            return ProcFile.ErrorOf(error);
        }

        blocked = blocked && TaskFiles.KindOf(tid) is not (TaskKind.Gone or TaskKind.Ended or TaskKind.KernelWorker);
        return 0;
    }
}
