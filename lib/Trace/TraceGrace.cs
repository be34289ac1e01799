using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;

namespace Ftrace.Trace;

/// <summary>
/// Waits until no thread is in a handler any more that it entered before: <see cref="GracePeriod{TMachine}"/>, for all threads.
/// </summary>
/// <remarks>
/// <para>Called without locks, and not with the loader's by ourselves: a handler that runs may want them. A thread may have left a
/// handler and never come to another: it is stopped for a look, now and then. Where that tells nothing either, the
/// wait has an end.</para>
/// </remarks>
internal unsafe ref struct TraceGrace
{
    /// <summary>How long to wait for handlers.</summary>
    public const long LongNs = 30 * Clock.NsPerSecond;

    /// <summary>For those on stacks that their threads have left.</summary>
    public const long AsideNs = 5 * Clock.NsPerSecond;

    /// <summary>For nothing that takes longer than handlers mostly do.</summary>
    public const long BriefNs = Clock.NsPerMs;

    private const int LooksBeforeSleep = 64;
    private const int LooksBetweenChecks = 16;
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

    private TraceGrace(NmiThread* self, long budget)
    {
        _self = self;
        _budget = budget;
        _last = Clock.NowNs();
        _stopInterval = FirstStopNs;
        _nextStop = FirstStopNs;
    }

    /// <param name="self">The calling thread.</param>
    /// <param name="budget">How long at most, in nanoseconds of waiting: not those in which the whole process stands still.</param>
    /// <returns>0, -ETIMEDOUT, or the error of the stop that takes the place of a membarrier where there is none.</returns>
    public static int Wait(NmiThread* self, long budget)
    {
        int error = Barrier(self);
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
        for (int looks = 0; !period.IsOver; looks++)
        {
            ulong mark = Volatile.Read(ref record->Mark);
            bool overwritten = looks % LooksBetweenChecks == LooksBetweenChecks - 1 && mark > TraceMark.LookAside && Volatile.Read(ref record->Levels) == 0
                && TraceMarks.IsOverwritten(mark);
            if (overwritten)
            {
                break;
            }

            if (!Look(record, pid, looks, _budget))
            {
                return false;
            }
        }

        // A handler that was left for another stack has been put there before the thread paused.
        for (int i = 0; i < TraceThread.MaxAside; i++)
        {
            ulong aside = Volatile.Read(ref record->Aside[i]);
            for (int looks = 0; aside != 0 && Volatile.Read(ref record->Aside[i]) == aside && !TraceMarks.IsOverwritten(aside); looks++)
            {
                if (!Look(record, pid, looks, Math.Min(_budget, AsideNs)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Waits a little. False if that was enough.</summary>
    private bool Look(TraceThread* record, int pid, int looks, long budget)
    {
        if (looks < LooksBeforeSleep)
        {
            Native.Syscall(SyscallNumber.SchedYield);
        }
        else if (!TraceThreads.Reap(record, pid))
        {
            Native.Table->Idle(null, 0, SleepNs);
        }

        // A debugger may have stopped all of us meanwhile.
        long now = Clock.NowNs();
        _waited += Math.Min(now - _last, MaxForOneSleepNs);
        _last = now;
        if (_waited >= _nextStop && _waited < budget)
        {
            StopAndLook(record);
            _stopInterval = Math.Min(_stopInterval * 2, MaxStopIntervalNs);
            _nextStop = _waited + _stopInterval;
            _last = Clock.NowNs();
        }

        return _waited < budget;
    }

    /// <summary>Where the thread is can be told while it stands still.</summary>
    private readonly void StopAndLook(TraceThread* record)
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
    /// True if the thread was stopped in Native/trace_entry.S: it may have marked itself and read the table, and be about to call the handler.
    /// Nothing on its stack tells, but it will soon be elsewhere.
    /// </summary>
    private static bool IsInTrampoline(ThreadRecord* parked)
    {
        if (parked->SeizedGeneration == StopState.Shared->Generation)
        {
            return TraceText.Contains(parked->Rip);
        }

        return parked->Context != 0 && TraceText.Contains(*Ucontext.Rip(parked->Context));
    }

    private static int Barrier(NmiThread* self)
    {
        if (StopMachine.HasSyncCore(StopState.Shared) && GracePeriod<X86Threads>.Begin())
        {
            return 0;
        }

        int error = StopMachine.Open(self, StopMachine.DefaultTimeoutMs);
        if (error == 0)
        {
            StopMachine.Close();
        }

        return error;
    }
}
