using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary>The fields of <c>siginfo_t</c> that a queued signal carries.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct Siginfo
{
    /// <summary>SI_TIMER: the signal of a timer. The kernel discards pending ones at exec.</summary>
    public const int CodeTimer = -2;

    /// <summary>SI_KERNEL: the code of the signal that a breakpoint raises.</summary>
    public const int CodeKernel = 0x80;

    [FieldOffset(0)] public int Signo;
    [FieldOffset(4)] public int Errno;
    [FieldOffset(8)] public int Code;
    /// <summary>Of a fault.</summary>
    [FieldOffset(16)] public ulong Address;

    [FieldOffset(16)] public int Pid;
    [FieldOffset(20)] public uint Uid;
    [FieldOffset(24)] public ulong Value;
}
