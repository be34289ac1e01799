using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/trace.h: checks of the arguments and one call each.</summary>
internal static unsafe class TraceExports
{
    private const nuint LongestPattern = 3000;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_register_function", CallConvs = [typeof(CallConvCdecl)])]
    public static int Register(FtraceOps* ops) => Run(TraceOperation.Register, ops);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_unregister_function", CallConvs = [typeof(CallConvCdecl)])]
    public static int Unregister(FtraceOps* ops) => Run(TraceOperation.Unregister, ops);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_filter", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetFilter(FtraceOps* ops, byte* pattern, nuint length, int reset) => Set(ops, RuleKind.Filter, pattern, length, reset);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_notrace", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetNotrace(FtraceOps* ops, byte* pattern, nuint length, int reset) => Set(ops, RuleKind.Notrace, pattern, length, reset);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_filter_ip", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetFilterIp(FtraceOps* ops, ulong ip, int remove, int reset)
    {
        if (!IsValid(ops))
        {
            return -Errno.EINVAL;
        }

        return SetRule(ops, new TraceRule { Kind = RuleKind.Ip, Ip = ip, Negated = remove != 0, Reset = reset != 0 });
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_free_filter", CallConvs = [typeof(CallConvCdecl)])]
    public static int FreeFilter(FtraceOps* ops) => Run(TraceOperation.FreeFilter, ops);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_update_ftrace_func", CallConvs = [typeof(CallConvCdecl)])]
    public static int UpdateFunc(void* func)
    {
        var call = new TraceCall { Operation = TraceOperation.UpdateFunc, Func = func };
        return Tracing.Run(ref call);
    }

    private static int Set(FtraceOps* ops, RuleKind kind, byte* pattern, nuint length, int reset) =>
        IsValid(ops) ? Set(ops, kind, pattern, length, reset, isGraph: false) : -Errno.EINVAL;

    /// <summary>For a valid ops of either header.</summary>
    public static int Set(FtraceOps* ops, RuleKind kind, byte* pattern, nuint length, int reset, bool isGraph)
    {
        var rule = new TraceRule { Kind = kind, Reset = reset != 0, ResetOnly = pattern == null };
        rule.Error = Parse(ref rule, pattern, length);
        int error = SetRule(ops, rule, isGraph);
        return rule.Error != 0 ? rule.Error : error;
    }

    private static int Parse(ref TraceRule rule, byte* pattern, nuint length)
    {
        if (pattern == null)
        {
            return rule.Reset ? 0 : -Errno.EINVAL;
        }

        if (length > LongestPattern)
        {
            return -Errno.E2BIG;
        }

        ReadOnlySpan<byte> text = length != 0 ? new ReadOnlySpan<byte>(pattern, (int)length) : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(pattern);
        if (text.Length > (int)LongestPattern)
        {
            return -Errno.E2BIG;
        }

        return rule.TryParse(pattern, text.Length) ? 0 : -Errno.EINVAL;
    }

    private static int SetRule(FtraceOps* ops, in TraceRule rule, bool isGraph = false)
    {
        var call = new TraceCall { Operation = TraceOperation.SetRule, Ops = ops, IsGraph = isGraph, Rule = rule };
        return Tracing.Run(ref call);
    }

    private static int Run(TraceOperation operation, FtraceOps* ops) => IsValid(ops) ? Run(operation, ops, isGraph: false) : -Errno.EINVAL;

    /// <summary>For a valid ops of either header.</summary>
    public static int Run(TraceOperation operation, FtraceOps* ops, bool isGraph)
    {
        var call = new TraceCall { Operation = operation, Ops = ops, IsGraph = isGraph };
        return Tracing.Run(ref call);
    }

    private static bool IsValid(FtraceOps* ops) => InvalidOps.Report("struct ftrace_ops"u8, InvalidOps.FaultOf(ops));
}
