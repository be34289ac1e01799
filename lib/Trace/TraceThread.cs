using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// What others may know of a thread that calls handlers. Written by the thread alone, in Native/trace_entry.S; on a line of its
/// own. It outlives the thread: a thread's own words go with it.
/// </summary>
/// <remarks>
/// A CPU takes a load for one of what was just stored if the last twelve bits of the addresses agree, and finds out late that it
/// is not. So the two words that are stored on each call are where, in their line, the table and the slots have nothing.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct TraceThread
{
    public const uint Free = 0;

    /// <summary>Being claimed or taken back.</summary>
    public const uint Changing = 1;

    public const uint InUse = 2;

    /// <summary>Bit n: a handler runs at this level of NMI nesting. The kernel's recursion bits.</summary>
    [FieldOffset(56)] public ulong Levels;

    /// <summary>How often <see cref="Levels"/> has become 0.</summary>
    [FieldOffset(40)] public ulong Pauses;

    /// <summary>The thread.</summary>
    [FieldOffset(0)] public int Tid;

    /// <summary>One of <see cref="Free"/>, <see cref="Changing"/>, <see cref="InUse"/>.</summary>
    [FieldOffset(4)] public uint Claimed;
}
