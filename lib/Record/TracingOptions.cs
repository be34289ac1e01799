using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct ftrace_tracing_opts</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TracingOptions
{
    /// <summary>The size in the first version.</summary>
    public const int FirstSize = 72;

    public const uint Stream = 1;
    public const uint Function = 2;
    public const uint Off = 4;
    public const uint Sample = 8;
    public const uint NoChildren = 16;
    public const uint AllFlags = Stream | Function | Off | Sample | NoChildren;

    public nuint Size;
    public byte* Path;
    public byte* Filter;
    public byte* Notrace;
    public nuint BufferSize;
    public nuint MaxSize;
    public uint Flags;
    public uint MaxDepth;
    public ulong MinTimeNs;
    public uint Hz;
    public int SnapshotSignal;
}
