using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;

namespace Ftrace.Trace;

/// <summary>
/// Waits until every thread has left the handler that it was in: <see cref="GracePeriod{TMachine}"/>, for all threads.
/// </summary>
/// <remarks>
/// <para>Called without any lock of the library, and without the loader's: a running handler may want them. A thread may have left a
/// handler by siglongjmp() and never make another traced call: so from time to time threads are stopped, and its marks are examined. If
/// that does not show it either, the wait ends by its budget. Where more threads run than there are CPUs, most that are waited for were
/// only preempted in a handler. No stop shows more of these, and each stop would wait for all threads to be scheduled, so there is none.</para>
/// </remarks>
internal unsafe ref struct TraceGrace
{
    /// <summary>How long to wait for handlers by default.</summary>
    public const long LongNs = 30 * Clock.NsPerSecond;

    /// <summary>How long to wait for handlers on stacks that their threads have left.</summary>
    public const long AsideNs = 5 * Clock.NsPerSecond;

    /// <summary>A wait that gives up unless handlers end as soon as most do.</summary>
    public const long BriefNs = Clock.NsPerMs;

    private const int YieldsBeforeSleep = 64;
    private const int RoundsPerCheck = 16;
    private const long SleepNs = Clock.NsPerMs / 10;
    private const long MaxForOneSleepNs = 10 * Clock.NsPerMs;
    private const long FirstStopNs = 20 * Clock.NsPerMs;
    private const long MaxStopIntervalNs = Clock.NsPerSecond;
    private const uint StopTimeoutMs = 20;

    private readonly NmiThread* _self;
    private readonly long _budget;
    private long _waited;
    private long _last;
    private long _nextStop;
    private long _stopInterval;
    private long _ranNs;

    private TraceGrace(NmiThread* self, long budget)
    {
        _self = self;
        _budget = budget;
        _last = Clock.NowNs();
        _stopInterval = FirstStopNs;
        _nextStop = FirstStopNs;
    }

    /// <param name="self">The calling thread.</param>
    /// <param name="budget">How long to wait at most, in nanoseconds, without the time in which the whole process is stopped.</param>
    /// <returns>0, -ETIMEDOUT, or the error of the stop that replaces the membarrier if the system has none.</returns>
    public static int Wait(NmiThread* self, long budget)
    {
        int error = Barrier(self, budget);
        if (error != 0)
        {
            return error;
        }

        var grace = new TraceGrace(self, budget);
        int pid = (int)Native.Syscall(SyscallNumber.Getpid);
        for (int i = 0; i < TraceThreads.Used; i++)
        {
            TraceThread* record = TraceThreads.Records + i;
            if (Volatile.Read(ref record->Claimed) != ClaimState.Free && !grace.WaitFor(record, pid))
            {
                return -Errno.ETIMEDOUT;
            }
        }

        return 0;
    }

    private bool WaitFor(TraceThread* record, int pid)
    {
        var period = new GracePeriod<X86Threads>(&record->Mark, &record->Levels, &record->QuiescentStates);
        for (int round = 0; !period.IsOver; round++)
        {
            ulong mark = Volatile.Read(ref record->Mark);
            bool isChecked = round % RoundsPerCheck == RoundsPerCheck - 1 && mark > TraceMark.LookAside && Volatile.Read(ref record->Levels) == 0;
            if (isChecked && TraceMarks.IsOverwritten(mark))
            {
                break;
            }

            if (!Pause(record, pid, round, _budget))
            {
                return false;
            }
        }

        // The mark of a handler that was left for another stack is put aside before the thread's quiescent state is counted.
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            ulong aside = Volatile.Read(ref record->Aside[i]);
            for (int round = 0; aside != 0 && Volatile.Read(ref record->Aside[i]) == aside && !TraceMarks.IsOverwritten(aside); round++)
            {
                if (!Pause(record, pid, round, Math.Min(_budget, AsideNs)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Waits for a short time. False if the budget is used up.</summary>
    private bool Pause(TraceThread* record, int pid, int round, long budget)
    {
        if (round == 0)
        {
            _ranNs = Clock.RunTimeOf((int)record->Tid);
        }

        // Not after the pause: the wait may be over then.
        if (_waited >= _nextStop)
        {
            if (!IsPreempted((int)record->Tid))
            {
                StopAndExamine(record);
                _stopInterval = Math.Min(_stopInterval * 2, MaxStopIntervalNs);
            }

            _nextStop = _waited + _stopInterval;
            _last = Clock.NowNs();
        }

        if (round < YieldsBeforeSleep)
        {
            Native.Syscall(SyscallNumber.SchedYield);
        }
        else if (!TraceThreads.Reap(record, pid))
        {
            Native.Table->Idle(null, 0, SleepNs);
        }

        // A debugger may have stopped the whole process meanwhile.
        long now = Clock.NowNs();
        _waited += Math.Min(now - _last, MaxForOneSleepNs);
        _last = now;
        return _waited < budget;
    }

    /// <summary>True if the thread wants to run, and did not since this was asked last, or the wait for it began: it is where it was.</summary>
    private bool IsPreempted(int tid)
    {
        long before = _ranNs;
        _ranNs = Clock.RunTimeOf(tid);
        return _ranNs >= 0 && _ranNs == before && OwnTaskFile.IsRunnable(tid);
    }

    /// <summary>Stops all threads, and examines the marks of one: this needs the thread to stand still.</summary>
    private readonly void StopAndExamine(TraceThread* record)
    {
        if (StopMachine.TryOpen(_self, StopTimeoutMs, out _) != 0)
        {
            return;
        }

        if (Volatile.Read(ref record->Claimed) == ClaimState.InUse)
        {
            byte here;
            ThreadRecord* parked = ThreadTable.Find(record->Tid);
            if (record->Tid == (int)Native.Syscall(SyscallNumber.Gettid))
            {
                TraceMarks.LookAt(record, (ulong)&here);
            }
            else if (parked != null && parked->StandsStill(StopState.Shared->Generation) && !IsInTrampoline(parked))
            {
                TraceMarks.LookAt(record, parked->StackPointer);
            }
        }

        StopMachine.Close();
    }

    /// <summary>
    /// True if the thread was stopped in Native/trace_entry.S: it may have set its mark and read the slot, and be about to call the handler.
    /// Its stack does not show that, but it will leave this code soon.
    /// </summary>
    private static bool IsInTrampoline(ThreadRecord* parked)
    {
        if (parked->SeizedGeneration == StopState.Shared->Generation)
        {
            return TraceText.Contains(parked->Rip);
        }

        return parked->Context != 0 && TraceText.Contains(*Ucontext.Rip(parked->Context));
    }

    /// <summary>
    /// If it takes a stop, and nobody waits for the grace period, that gives up soon, and is not reported.
    /// </summary>
    private static int Barrier(NmiThread* self, long budget)
    {
        if (StopMachine.HasSyncCore(StopState.Shared) && GracePeriod<X86Threads>.Begin())
        {
            return 0;
        }

        int error = budget > BriefNs
            ? StopMachine.Open(self, StopMachine.DefaultTimeoutMs)
            : StopMachine.TryOpen(self, StopTimeoutMs, out _);
        if (error == 0)
        {
            StopMachine.Close();
        }

        return error;
    }
}
