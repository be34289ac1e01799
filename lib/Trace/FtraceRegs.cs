using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_regs</c>: what Native/trace_entry.S pushes onto the stack.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.FtraceRegs_SizeOf)]
internal struct FtraceRegs
{
    [FieldOffset(Offsets.FtraceRegs_R15)] public ulong R15;
    [FieldOffset(Offsets.FtraceRegs_R14)] public ulong R14;
    [FieldOffset(Offsets.FtraceRegs_R13)] public ulong R13;
    [FieldOffset(Offsets.FtraceRegs_R12)] public ulong R12;
    [FieldOffset(Offsets.FtraceRegs_Rbp)] public ulong Rbp;
    [FieldOffset(Offsets.FtraceRegs_Rbx)] public ulong Rbx;
    [FieldOffset(Offsets.FtraceRegs_R11)] public ulong R11;
    [FieldOffset(Offsets.FtraceRegs_R10)] public ulong R10;
    [FieldOffset(Offsets.FtraceRegs_R9)] public ulong R9;
    [FieldOffset(Offsets.FtraceRegs_R8)] public ulong R8;
    [FieldOffset(Offsets.FtraceRegs_Rax)] public ulong Rax;
    [FieldOffset(Offsets.FtraceRegs_Rcx)] public ulong Rcx;
    [FieldOffset(Offsets.FtraceRegs_Rdx)] public ulong Rdx;
    [FieldOffset(Offsets.FtraceRegs_Rsi)] public ulong Rsi;
    [FieldOffset(Offsets.FtraceRegs_Rdi)] public ulong Rdi;
    [FieldOffset(Offsets.FtraceRegs_Flags)] public ulong Flags;

    /// <summary>The address of the stub.</summary>
    [FieldOffset(Offsets.FtraceRegs_Reserved)] public ulong Reserved;

    [FieldOffset(Offsets.FtraceRegs_Ip)] public ulong Ip;
    [FieldOffset(Offsets.FtraceRegs_ParentIp)] public ulong ParentIp;
}
