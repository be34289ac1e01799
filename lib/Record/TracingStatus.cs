using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct ftrace_tracing_status</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TracingStatus
{
    /// <summary>The size in the first version.</summary>
    public const int FirstSize = 88;

    public const uint Running = 1;
    public const uint On = 2;
    public const uint Streams = 4;

    public nuint Size;
    public uint State;
    public int StreamError;
    public ulong FileSize;
    public ulong MaxSize;
    public ulong BufferSize;
    public uint Buffers;
    public uint FreeBuffers;
    public uint Threads;
    public uint MaxDepth;
    public ulong MinTimeNs;
    public ulong LostWithoutBuffer;
    public ulong LostOverwritten;
    public ulong Copied;
}
