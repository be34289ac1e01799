using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>Sets of ops, by number, which Native/graph.c reads: <c>struct graph_sets</c>. Changed with the trace mutex held.</summary>
[NoInstr]
[StructLayout(LayoutKind.Explicit, Size = Offsets.GraphSets_SizeOf)]
internal unsafe struct GraphSets
{
    /// <summary>Ops of ftrace/graph.h. Their numbers are below <see cref="MaxOps"/>.</summary>
    [FieldOffset(Offsets.GraphSets_Graph)] public ulong Graph;

    /// <summary>Ops for which all registers are saved: those of ftrace/trace.h too.</summary>
    [FieldOffset(Offsets.GraphSets_Full)] public ulong Full;

    /// <summary>1: the trace function is called in place of handlers of ftrace/trace.h; 2: nothing is.</summary>
    [FieldOffset(Offsets.GraphSets_Redirected)] public ulong Redirected;

    /// <summary>The set of the recorder alone, whose calls the trampoline records itself; else <see cref="None"/>.</summary>
    [FieldOffset(Offsets.GraphSets_Recorded)] public ulong Recorded;

    /// <summary>The same if it records entries only.</summary>
    [FieldOffset(Offsets.GraphSets_RecordedEntries)] public ulong RecordedEntries;

    /// <summary>What <see cref="Recorded"/> and <see cref="RecordedEntries"/> are unless a trigger has switched recording off.</summary>
    [FieldOffset(Offsets.GraphSets_Plain)] public ulong Plain;

    [FieldOffset(Offsets.GraphSets_PlainEntries)] public ulong PlainEntries;

    /// <summary>Instead of a set: no calls are recorded so.</summary>
    public const ulong None = ulong.MaxValue;

    /// <summary>How many ops of ftrace/graph.h can be registered.</summary>
    public const int MaxOps = Offsets.GraphSlot_MaxOps;

    public static GraphSets* Shared => (GraphSets*)Native.Table->GraphSets;

    /// <summary>True if the exits of a function with this set of ops are traced.</summary>
    public static bool Has(ulong mask) => (mask & Shared->Graph) != 0;
}
