using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_ops</c>.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct FtraceOps
{
    /// <summary>FTRACE_OPS_FL_NO_VECTORS.</summary>
    public const ulong NoVectors = 1;

    /// <summary>FTRACE_OPS_FL_SAVE_REGS.</summary>
    public const ulong SaveRegs = Offsets.FtraceOps_SaveRegs;

    /// <summary>FTRACE_OPS_FL_SKIP_FOREIGN.</summary>
    public const ulong SkipForeign = 4;

    /// <summary>FTRACE_OPS_FL_PENDING.</summary>
    public const ulong Pending = 8;

    /// <summary>FTRACE_OPS_FL_IPMODIFY.</summary>
    public const ulong IpModify = 16;

    public const ulong AllFlags = NoVectors | SaveRegs | SkipForeign | Pending | IpModify;

    [FieldOffset(Offsets.FtraceOps_Size)] public nuint Size;
    [FieldOffset(Offsets.FtraceOps_Func)] public void* Func;
    [FieldOffset(Offsets.FtraceOps_Flags)] public ulong Flags;
    [FieldOffset(Offsets.FtraceOps_Data)] public void* Data;
}
