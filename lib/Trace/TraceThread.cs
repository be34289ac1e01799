using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// What others may know of a thread that calls handlers. Written by the thread alone, in Native/trace_entry.S; on a line of its
/// own. It outlives the thread: a thread's own words go with it.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct TraceThread
{
    public const uint Free = 0;

    /// <summary>Being claimed or taken back.</summary>
    public const uint Changing = 1;

    public const uint InUse = 2;

    /// <summary>Bit n: a handler runs at this level of NMI nesting. The kernel's recursion bits.</summary>
    [FieldOffset(0)] public ulong Levels;

    /// <summary>How often <see cref="Levels"/> has become 0.</summary>
    [FieldOffset(8)] public ulong Pauses;

    /// <summary>The thread.</summary>
    [FieldOffset(16)] public int Tid;

    /// <summary>One of <see cref="Free"/>, <see cref="Changing"/>, <see cref="InUse"/>.</summary>
    [FieldOffset(20)] public uint Claimed;
}
