using System;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>Says what is wrong with an ops that the host passed: -EINVAL alone does not.</summary>
internal static class InvalidOps
{
    private const int LineSize = 160;

    /// <summary>What is wrong with an ops of ftrace/trace.h; empty: nothing.</summary>
    public static unsafe ReadOnlySpan<byte> FaultOf(FtraceOps* ops)
    {
        ReadOnlySpan<byte> fault = FaultOf(ops, (nuint)sizeof(FtraceOps));
        if (!fault.IsEmpty)
        {
            return fault;
        }

        if (ops->Func == null)
        {
            return "func is NULL"u8;
        }

        if ((ops->Flags & ~FtraceOps.AllFlags) != 0)
        {
            return "it has unknown flags"u8;
        }

        return (ops->Flags & (FtraceOps.IpModify | FtraceOps.SaveRegs)) == FtraceOps.IpModify
            ? "FTRACE_OPS_FL_IPMODIFY needs FTRACE_OPS_FL_SAVE_REGS"u8
            : default;
    }

    /// <summary>What is wrong with an ops of ftrace/graph.h; empty: nothing.</summary>
    public static unsafe ReadOnlySpan<byte> FaultOf(FtraceGraphOps* ops)
    {
        ReadOnlySpan<byte> fault = FaultOf(ops, (nuint)sizeof(FtraceGraphOps));
        if (!fault.IsEmpty)
        {
            return fault;
        }

        if (ops->Entryfunc == null && ops->Retfunc == null)
        {
            return "entryfunc and retfunc are NULL"u8;
        }

        return (ops->Flags & ~FtraceGraphOps.AllFlags) != 0 ? "it has flags that are unknown or of ftrace/trace.h"u8 : default;
    }

    private static unsafe ReadOnlySpan<byte> FaultOf(void* ops, nuint size)
    {
        if (ops == null)
        {
            return "it is NULL"u8;
        }

        if ((ulong)ops % sizeof(ulong) != 0)
        {
            return "it is not aligned"u8;
        }

        return SizedStruct.Check(ops, size, size) != 0 ? "size is not the size of the structure: set .size = sizeof(ops)"u8 : default;
    }

    /// <summary>Reports a fault, if there is one.</summary>
    /// <returns>True if there is none.</returns>
    public static unsafe bool Report(ReadOnlySpan<byte> type, ReadOnlySpan<byte> fault)
    {
        if (fault.IsEmpty || !HostPrint.IsSet || TraceThreads.IsInHandler(CurrentThread.Words))
        {
            return fault.IsEmpty;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: "u8);
        line.Add(type);
        line.Add(": "u8);
        line.Add(fault);
        line.Print();
        return false;
    }
}
