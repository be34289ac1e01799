using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Record;

namespace Ftrace.Exports;

/// <summary>ftrace/tracing.h: checks of the arguments and one call each.</summary>
internal static unsafe class TracingExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_tracing_start", CallConvs = [typeof(CallConvCdecl)])]
    public static int Start(TracingOptions* opts)
    {
        var start = new RecordStart { Children = 1 };
        return Start(opts, ref start);
    }

    /// <summary>The environment starts it: Native/record_env.c.</summary>
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_record_start", CallConvs = [typeof(CallConvCdecl)])]
    public static int RecordStart(TracingOptions* opts, RecordStart* start) => Start(opts, ref *start);

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
}
