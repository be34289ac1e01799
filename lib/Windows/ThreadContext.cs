using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>CONTEXT of x86-64, winnt.h: as much of it as is used here. It has to be aligned by 16.</summary>
[StructLayout(LayoutKind.Explicit, Size = 1232)]
internal struct ThreadContext
{
    /// <summary>CONTEXT_CONTROL: rip, rsp, flags, cs and ss.</summary>
    public const uint Control = 0x100001;

    [FieldOffset(48)] public uint ContextFlags;
    [FieldOffset(152)] public ulong Rsp;
    [FieldOffset(248)] public ulong Rip;
}
