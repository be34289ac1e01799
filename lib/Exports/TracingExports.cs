using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Record;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/tracing.h: checks of the arguments and one call each.</summary>
internal static unsafe class TracingExports
{
    private const nuint LongestPatterns = 1 << 16;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_start", CallConvs = [typeof(CallConvCdecl)])]
    public static int Start(TracingOptions* opts)
    {
        var start = new RecordStart { Children = 1 };
        return Start(opts, ref start);
    }

    /// <summary>The environment starts it: Native/record_env.c.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_start", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordStart(TracingOptions* opts, RecordStart* start) => Start(opts, ref *start);

    /// <summary>The keeper of a child begins its recording: Native/keeper.c.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_child", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordChild(byte* path) => Recorder.StartChild(path);

    /// <summary>A connection stops the recording that it has started: Native/connection.c.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_stop", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordStop(uint owner) => Recorder.Stop(owner);

    /// <summary>Another process asks by a connection.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_request", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordRequest(ControlRequest* request)
    {
        var text = new ReadOnlySpan<byte>(request->Text, (int)request->Length);
        int error = ControlRequests.Run(request->Kind, request->Flags, text, new Span<byte>(request->Answer, ControlPage.LongestText), out int length);
        request->AnswerLength = (uint)length;
        return error;
    }

    /// <summary>The signals that a thread of the library blocks. It may run before the first stop.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_mask", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordMask(ulong* mask)
    {
        StopMachine.ChooseSignal();
        *mask = Agent.Mask;
        return 0;
    }

    private static int Start(TracingOptions* opts, ref RecordStart start)
    {
        TracingOptions known = default;
        if (opts != null)
        {
            int error = SizedStruct.Check(opts, TracingOptions.FirstSize, (nuint)sizeof(TracingOptions));
            if (error != 0)
            {
                return error;
            }

            new ReadOnlySpan<byte>(opts, (int)nuint.Min(opts->Size, (nuint)sizeof(TracingOptions))).CopyTo(new Span<byte>(&known, sizeof(TracingOptions)));
        }

        bool samples = (known.Flags & TracingOptions.Sample) != 0;
        bool isInvalid = (known.Flags & ~TracingOptions.AllFlags) != 0 || known.Hz > Sampler.MaxHz
            || (samples && (known.Filter != null || known.Notrace != null));
        if (isInvalid)
        {
            return -Errno.EINVAL;
        }

        known.Hz = samples && known.Hz == 0 ? Sampler.DefaultHz : known.Hz;
        return Recorder.Start(known, ref start);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_stop", CallConvs = [typeof(CallConvCdecl)])]
    public static int Stop() => Recorder.Stop();

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_snapshot", CallConvs = [typeof(CallConvCdecl)])]
    public static int TakeSnapshot(byte* path) => path == null ? -Errno.EFAULT : Recorder.Snapshot(path, "ftrace_snapshot"u8);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_set_trigger", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetTrigger(byte* trigger, nuint length, int reset)
    {
        if (trigger == null)
        {
            return reset == 0 ? -Errno.EINVAL : Recorder.SetTrigger(default, resets: true);
        }

        ReadOnlySpan<byte> text = length == 0 ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(trigger) : new ReadOnlySpan<byte>(trigger, (int)nuint.Min(length, int.MaxValue));
        return Recorder.SetTrigger(text, reset != 0);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_on", CallConvs = [typeof(CallConvCdecl)])]
    public static int On() => RecorderChanges.On();

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_off", CallConvs = [typeof(CallConvCdecl)])]
    public static int Off() => RecorderChanges.Off();

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_set_filter", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetFilter(byte* pattern, nuint length, int reset) => SetRules(RuleKind.Filter, pattern, length, reset != 0);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_set_notrace", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetNotrace(byte* pattern, nuint length, int reset) => SetRules(RuleKind.Notrace, pattern, length, reset != 0);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_set_depth", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetDepth(uint depth) => RecorderChanges.SetDepth(depth);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_set_min_time", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetMinTime(ulong ns) => RecorderChanges.SetMinTime(ns);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_thread", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetThread(int on) => RecorderChanges.SetThread(on != 0);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_get_status", CallConvs = [typeof(CallConvCdecl)])]
    public static int GetStatus(TracingStatus* status)
    {
        if (status == null)
        {
            return -Errno.EFAULT;
        }

        int error = SizedStruct.Check(status, TracingStatus.FirstSize, (nuint)sizeof(TracingStatus));
        if (error != 0)
        {
            return error;
        }

        nuint size = status->Size;
        TracingStatus now = RecorderChanges.GetStatus();
        now.Size = size;
        new ReadOnlySpan<byte>(&now, (int)nuint.Min(size, (nuint)sizeof(TracingStatus))).CopyTo(new Span<byte>(status, sizeof(TracingStatus)));
        return 0;
    }

    private static int SetRules(RuleKind kind, byte* pattern, nuint length, bool reset)
    {
        if (pattern == null)
        {
            return reset ? RecorderChanges.SetRules(kind, default, reset) : -Errno.EINVAL;
        }

        if (length > LongestPatterns)
        {
            return -Errno.E2BIG;
        }

        ReadOnlySpan<byte> text = length != 0 ? new ReadOnlySpan<byte>(pattern, (int)length) : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(pattern);
        return RecorderChanges.SetRules(kind, text, reset);
    }
}
