using System;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>Changes of a recording while it runs: ftrace/tracing.h. Each takes the recorder's mutex, and changes all or nothing.</summary>
internal static unsafe class RecorderChanges
{
    public static int On()
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        int result = Recorder.SwitchOn();
        if (result == 0)
        {
            Triggers.Begin(); // one may have switched it off
        }

        return End(result);
    }

    public static int Off()
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        return End(Recorder.SwitchOff());
    }

    /// <summary>Sets which functions are recorded.</summary>
    /// <param name="kind">Filter or notrace.</param>
    /// <param name="patterns">As in <see cref="TracingOptions.Filter"/>; in memory that does not move.</param>
    /// <param name="reset">First remove the patterns of this kind.</param>
    public static int SetRules(RuleKind kind, ReadOnlySpan<byte> patterns, bool reset)
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        return End(Recorder.SetRules(kind, patterns, reset));
    }

    /// <summary>Records only calls nested in fewer recorded calls; 0: all.</summary>
    public static int SetDepth(uint depth)
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        return End(SetLimits(depth, Recorder.MinTimeNs));
    }

    /// <summary>Records only calls that take so long; 0: all.</summary>
    public static int SetMinTime(ulong ns)
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        return End(SetLimits(Recorder.MaxDepth, ns));
    }

    /// <summary>
    /// Who records a call's entry is who records its exit. With other limits that may be another function: no call is recorded while they change.
    /// </summary>
    private static int SetLimits(uint depth, ulong minTimeNs)
    {
        uint depthBefore = Recorder.MaxDepth;
        ulong minTimeBefore = Recorder.MinTimeNs;
        if (depth == depthBefore && minTimeNs == minTimeBefore)
        {
            return 0;
        }

        bool wasOn = Recorder.IsOn;
        int error = Recorder.SwitchOff();
        if (error != 0)
        {
            return error;
        }

        Recorder.SetLimits(depth, minTimeNs);
        error = wasOn ? Recorder.SwitchOn() : 0;
        if (error != 0)
        {
            Recorder.SetLimits(depthBefore, minTimeBefore);
            Recorder.SwitchOn();
        }

        return error;
    }

    /// <summary>Switches recording of the calling thread on or off.</summary>
    public static int SetThread(bool on)
    {
        if (!TryBegin(out int error))
        {
            return error;
        }

        NmiThread* self = CurrentThread.Words;
        TraceThread* record = TraceThreads.Of(self);
        if (record == null)
        {
            record = TraceThreads.Reserve() ? TraceThreads.Claim(self) : null;
        }

        return End(record != null ? Native.Table->RecordThread(record, on ? 1 : 0) : -Errno.ENOSPC);
    }

    /// <summary>Gets what is known of the recording; without one only its size is filled in.</summary>
    public static TracingStatus GetStatus()
    {
        var status = new TracingStatus { Size = (nuint)sizeof(TracingStatus) };
        if (TryBegin(out _))
        {
            Recorder.Fill(ref status);
            End(0);
        }

        return status;
    }

    private static bool TryBegin(out int error)
    {
        error = -Errno.ESRCH;
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        if (!Recorder.IsRunning)
        {
            FutexMutex.Unlock(&RecorderState.Shared->Mutex);
            return false;
        }

        error = 0;
        return true;
    }

    private static int End(int error)
    {
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }
}
