using System.Runtime.InteropServices;

namespace Ftrace.Tool.Reading;

/// <summary>The header of a block.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct BlockHeader
{
    public const uint Ftbk = 0x4b425446;
    public const ushort Events = 1;
    public const ushort Information = 2;

    public uint Magic;
    public ushort Type;
    public ushort Reserved;
    public ulong Sequence;
    public uint Thread;
    public uint ThreadId;
    public ulong Lost;
    public uint Used;
    public uint ReservedToo;

    /// <summary>The sequence number of the thread's first block; 0: not known, in a file of an older library.</summary>
    public ulong First;

    /// <summary>The tag of units that were written in the block with this sequence number.</summary>
    public static ulong TagOf(ulong sequence) => sequence % 13 + 1;
}
