using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// What others may know of a thread that calls handlers. Written by the thread alone, in Native/trace_entry.S; on a line of its
/// own. It outlives the thread: a thread's own words go with it.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct TraceThread
{
    /// <summary>Bit n: a handler runs at this level of NMI nesting. The kernel's recursion bits.</summary>
    [FieldOffset(0)] public ulong Levels;

    /// <summary>How often <see cref="Levels"/> has become 0.</summary>
    [FieldOffset(8)] public ulong Pauses;

    /// <summary>The thread.</summary>
    [FieldOffset(16)] public int Tid;

    /// <summary>0: the record is free.</summary>
    [FieldOffset(20)] public uint Claimed;
}
