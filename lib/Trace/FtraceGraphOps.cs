using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_graph_ops</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceGraphOps
{
    public const ulong AllFlags = FtraceOps.NoVectors | FtraceOps.SaveRegs | FtraceOps.SkipForeign | FtraceOps.Pending;

    public nuint Size;
    public void* Entryfunc;
    public void* Retfunc;
    public ulong Flags;
    public void* Data;
    public uint MaxDepth;
}
