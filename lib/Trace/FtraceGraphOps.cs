using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_graph_ops</c>.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct FtraceGraphOps
{
    public const ulong AllFlags = FtraceOps.NoVectors | FtraceOps.SaveRegs | FtraceOps.SkipForeign | FtraceOps.Pending;

    [FieldOffset(Offsets.FtraceGraphOps_Size)] public nuint Size;
    [FieldOffset(Offsets.FtraceGraphOps_Entryfunc)] public void* Entryfunc;
    [FieldOffset(Offsets.FtraceGraphOps_Retfunc)] public void* Retfunc;
    [FieldOffset(Offsets.FtraceGraphOps_Flags)] public ulong Flags;
    [FieldOffset(Offsets.FtraceGraphOps_Data)] public void* Data;
    [FieldOffset(Offsets.FtraceGraphOps_MaxDepth)] public uint MaxDepth;
}
