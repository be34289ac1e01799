using System;
using System.Buffers.Binary;

namespace Ftrace.Tool.Reading;

/// <summary>An event. What <see cref="Data"/> refers to is valid until the next event is read.</summary>
internal unsafe struct TraceEvent
{
    private const int AddressSize = 6;
    private const int SampleHeader = 4;

    /// <summary>As in the file: <see cref="ClockConverter"/>.</summary>
    public ulong Time;

    /// <summary>Of the function, or what <see cref="Kind"/> says.</summary>
    public ulong Address;

    internal byte* DataStart;
    internal int DataLength;

    /// <summary>Index in <see cref="TraceFile.Threads"/>.</summary>
    public int Thread;

    /// <summary>The number of the call, for entries and ends.</summary>
    public ushort Call;

    /// <summary><c>FTRACE_GRAPH_*</c>, at the end of a call.</summary>
    public ushort Flags;

    public EventKind Kind;

    /// <summary>The data of the event; for a mark its text.</summary>
    public readonly ReadOnlySpan<byte> Data => new(DataStart, DataLength);

    /// <summary>True if this ends a call that has a number.</summary>
    public readonly bool IsEnd => Kind is EventKind.Exit or EventKind.Unwound or EventKind.Tail;

    /// <summary>The return address to the caller, of <see cref="EventKind.FunctionEntry"/>.</summary>
    public readonly ulong ReturnAddress => ReadAddress(0);

    /// <summary>Of a sample: how many callers were found by frame pointers.</summary>
    public readonly int FrameCount => Math.Min((int)Data[0], Capacity);

    /// <summary>Of a sample: how many traced calls were under way.</summary>
    public readonly int CallCount => Math.Min((int)Data[1], Capacity - FrameCount);

    /// <summary>Of a sample: a return address, innermost first.</summary>
    public readonly ulong Frame(int index) => ReadAddress(SampleHeader + index * AddressSize);

    /// <summary>Of a sample: the return address of a traced call, innermost first.</summary>
    public readonly ulong TracedCall(int index) => ReadAddress(SampleHeader + (FrameCount + index) * AddressSize);

    /// <summary>Addresses that the data has room for.</summary>
    private readonly int Capacity => (DataLength - SampleHeader) / AddressSize;

    /// <summary>What was made sure when the event was decoded.</summary>
    internal static bool HasEnoughData(EventKind kind, int length) => kind switch
    {
        EventKind.FunctionEntry => length >= AddressSize,
        EventKind.Sample => length >= SampleHeader,
        _ => true,
    };

    private readonly ulong ReadAddress(int offset) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Data[offset..]) | (ulong)BinaryPrimitives.ReadUInt16LittleEndian(Data[(offset + 4)..]) << 32;
}
