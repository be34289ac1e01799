using System.Runtime.InteropServices;

namespace Ftrace.Sites;

/// <summary><c>struct dl_phdr_info</c>, dl_iterate_phdr(3).</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct DlPhdrInfo
{
    [FieldOffset(0)] public ulong Base;
    [FieldOffset(8)] public byte* Name;
    [FieldOffset(16)] public ProgramHeader* Headers;
    [FieldOffset(24)] public ushort HeaderCount;

    /// <summary>Objects opened so far.</summary>
    [FieldOffset(32)] public ulong Adds;

    /// <summary>Objects closed so far.</summary>
    [FieldOffset(40)] public ulong Subs;
}
