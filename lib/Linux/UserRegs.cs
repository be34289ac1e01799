using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>struct user_regs_struct</c>, <c>arch/x86/include/asm/user_64.h</c>: what PTRACE_GETREGS reads.</summary>
[StructLayout(LayoutKind.Explicit, Size = 27 * 8)]
internal struct UserRegs
{
    /// <summary>The general registers but rsp, the number of a system call, and rip: so many words from the start.</summary>
    public const int Count = 17;

    /// <summary>Which of them is <see cref="OrigRax"/>.</summary>
    public const int OrigRaxIndex = 15;

    [FieldOffset(7 * 8)] public ulong R10;
    [FieldOffset(8 * 8)] public ulong R9;
    [FieldOffset(9 * 8)] public ulong R8;
    [FieldOffset(10 * 8)] public ulong Rax;

    /// <summary>The system call that the thread is in; below 0 if it is in none.</summary>
    [FieldOffset(15 * 8)] public long OrigRax;

    [FieldOffset(16 * 8)] public ulong Rip;
    [FieldOffset(19 * 8)] public ulong Rsp;
    [FieldOffset(21 * 8)] public ulong FsBase;
}
