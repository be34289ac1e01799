using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary>The header of a block of the file: docs/trace-format.md.</summary>
[StructLayout(LayoutKind.Sequential, Size = Offsets.TraceBlock_HeaderSize)]
internal struct TraceBlock
{
    public const uint MagicNumber = Offsets.TraceBlock_Magic;

    public uint Magic;
    public ushort Type;
    private ushort _reserved;
    public ulong Sequence;
    public uint Thread;
    public uint Tid;
    public ulong Lost;

    /// <summary>Of <see cref="Offsets.TraceBlock_Information"/>: bytes used.</summary>
    public uint Used;

    private uint _reservedToo;

    /// <summary>The sequence number of the thread's first block.</summary>
    public ulong First;
}
