using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary>The header of the file: docs/trace-format.md.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct TraceFileHeader
{
    public const ulong MagicNumber = 0x0a0d4543_41525446; // "FTRACE\r\n"
    public const uint CurrentVersion = 1;
    public const uint OwnByteOrder = 0x01020304;
    public const uint IsTsc = 1;
    public const uint IsStreamed = 2;

    public const uint Recording = 1;
    public const uint Finished = 2;
    public const uint Snapshot = 3;

    public ulong Magic;
    public uint Version;
    public uint ByteOrder;
    public uint BlockSize;
    public uint Flags;
    public ulong Blocks;
    public uint Pid;
    public uint State;
    public ClockTimes Start;
    public ClockTimes Latest;
    public ulong Lost;
    public uint LibraryVersion;
}
