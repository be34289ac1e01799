using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/graph.h: checks of the arguments and one call each.</summary>
internal static unsafe class GraphExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_register_graph", CallConvs = [typeof(CallConvCdecl)])]
    public static int Register(FtraceGraphOps* ops)
    {
        if (!IsValid(ops))
        {
            return -Errno.EINVAL;
        }

        return (Native.Table->ForbidsBreakpoints() & Offsets.NativeTable_ShadowStack) != 0
            ? -Errno.EOPNOTSUPP
            : TraceExports.Run(TraceOperation.Register, (FtraceOps*)ops, isGraph: true);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_unregister_graph", CallConvs = [typeof(CallConvCdecl)])]
    public static int Unregister(FtraceGraphOps* ops) =>
        IsValid(ops) ? TraceExports.Run(TraceOperation.Unregister, (FtraceOps*)ops, isGraph: true) : -Errno.EINVAL;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_graph_set_filter", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetFilter(FtraceGraphOps* ops, byte* pattern, nuint length, int reset) => Set(ops, RuleKind.Filter, pattern, length, reset);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_graph_set_notrace", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetNotrace(FtraceGraphOps* ops, byte* pattern, nuint length, int reset) => Set(ops, RuleKind.Notrace, pattern, length, reset);

    private static int Set(FtraceGraphOps* ops, RuleKind kind, byte* pattern, nuint length, int reset) =>
        IsValid(ops) ? TraceExports.Set((FtraceOps*)ops, kind, pattern, length, reset, isGraph: true) : -Errno.EINVAL;

    private static bool IsValid(FtraceGraphOps* ops) => InvalidOps.Report("struct ftrace_graph_ops"u8, InvalidOps.FaultOf(ops));
}
