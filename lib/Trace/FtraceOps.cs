using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_ops</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceOps
{
    /// <summary>FTRACE_OPS_FL_NO_VECTORS.</summary>
    public const ulong NoVectors = 1;

    /// <summary>FTRACE_OPS_FL_SAVE_REGS.</summary>
    public const ulong SaveRegs = 2;

    /// <summary>FTRACE_OPS_FL_SKIP_FOREIGN.</summary>
    public const ulong SkipForeign = 4;

    public const ulong AllFlags = NoVectors | SaveRegs | SkipForeign;

    public nuint Size;
    public void* Func;
    public ulong Flags;
    public void* Data;
}
