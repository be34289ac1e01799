using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_regs</c>: what Native/trace_entry.S leaves on the stack.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FtraceRegs
{
    public ulong R15;
    public ulong R14;
    public ulong R13;
    public ulong R12;
    public ulong Rbp;
    public ulong Rbx;
    public ulong R11;
    public ulong R10;
    public ulong R9;
    public ulong R8;
    public ulong Rax;
    public ulong Rcx;
    public ulong Rdx;
    public ulong Rsi;
    public ulong Rdi;
    public ulong Flags;

    /// <summary>The stub.</summary>
    public ulong Reserved;

    public ulong Ip;
    public ulong ParentIp;
}
