using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>struct procmap_query</c>, <c>include/uapi/linux/fs.h</c>: queries one mapping instead of reading them all. Linux 6.11.</summary>
[StructLayout(LayoutKind.Explicit, Size = 104)]
internal struct ProcmapQuery
{
    /// <summary>PROCMAP_QUERY.</summary>
    public const uint Request = 0xc0686611;

    /// <summary>PROCMAP_QUERY_COVERING_OR_NEXT_VMA: the mapping at the address, or the next one after it.</summary>
    public const ulong CoveringOrNext = 0x10;

    [FieldOffset(0)] public ulong Size;
    [FieldOffset(8)] public ulong Flags;
    [FieldOffset(16)] public ulong Address;
    [FieldOffset(24)] public ulong Start;
    [FieldOffset(32)] public ulong End;

    /// <summary>1: readable, 2: writable, 4: executable; the values of PROT_READ, PROT_WRITE and PROT_EXEC.</summary>
    [FieldOffset(40)] public ulong Protection;

    /// <summary>Size of the buffer for the file's path with its 0; on return the size of the path. 0: not wanted, or there is none.</summary>
    [FieldOffset(80)] public uint NameSize;

    [FieldOffset(88)] public ulong Name;
}
