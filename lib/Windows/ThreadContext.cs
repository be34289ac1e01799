using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>CONTEXT of x86-64, winnt.h: as much of it as is used here. It has to be aligned by 16.</summary>
[StructLayout(LayoutKind.Explicit, Size = 1232)]
internal unsafe struct ThreadContext
{
    /// <summary>CONTEXT_CONTROL: rip, rsp, flags, cs and ss.</summary>
    public const uint Control = 0x100001;

    /// <summary>CONTEXT_CONTROL and CONTEXT_INTEGER.</summary>
    public const uint General = 0x100003;

    /// <summary>How many <see cref="Registers"/> there are.</summary>
    public const int RegisterCount = 17;

    [FieldOffset(48)] public uint ContextFlags;
    /// <summary>The general registers, and rip as the last one.</summary>
    [FieldOffset(120)] public fixed ulong Registers[RegisterCount];
    [FieldOffset(152)] public ulong Rsp;
    [FieldOffset(248)] public ulong Rip;
}
