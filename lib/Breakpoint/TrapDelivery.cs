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

    /// <returns>0; -ETIMEDOUT if a thread keeps SIGTRAP blocked; -EAGAIN, -EOPNOTSUPP for what /proc does not tell.</returns>
    public static int Wait(long deadlineNs)
    {
        for (; ; )
        {
            // A thread is born with the mask of its parent. So when nobody came while we looked, all are seen.
            int error = ForEachThread(deadlineNs, look: true, out ulong seen);
            if (error == 0)
            {
                error = ForEachThread(deadlineNs, look: false, out ulong listed);
                if (error == 0 && listed == seen)
                {
                    return 0;
                }
            }

            if (error != 0)
            {
                return error;
            }
        }
    }

    /// <summary>Lists the threads, and waits for each one if asked to.</summary>
    /// <param name="deadlineNs">Until when.</param>
    /// <param name="look">Wait for each thread to be seen with SIGTRAP unblocked.</param>
    /// <param name="set">A sum over all thread ids: the same for the same set of threads.</param>
    [SkipLocalsInit]
    private static int ForEachThread(long deadlineNs, bool look, out ulong set)
    {
        set = 0;
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
                if (look && tid != self && !StopMachine.IsRuntimeThread(tid))
                {
                    error = WaitFor(tid, deadlineNs);
                }
            }
        }

        ProcFile.Close(folder);
        return error;
    }

    private static int WaitFor(int tid, long deadlineNs)
    {
        for (int looks = 0; ; looks++)
        {
            int error = TaskFiles.Blocks(tid, SignalSet.Sigtrap, out bool blocked);
            if (error is -Errno.ENOENT or -Errno.ESRCH || (error == 0 && !blocked))
            {
                return 0;
            }

            if (error != 0)
            {
                return ProcFile.ErrorOf(error);
            }

            if (TaskFiles.KindOf(tid) is TaskKind.Gone or TaskKind.Ended or TaskKind.KernelWorker)
            {
                return 0;
            }

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
        }
    }
}
