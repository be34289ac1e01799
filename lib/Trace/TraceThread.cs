using System.Runtime.InteropServices;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>
/// The record of a thread that calls handlers, for other threads to read. Written by the thread itself, in Native/trace_entry.S and
/// <see cref="TraceMarks"/>, or by the one that has stopped it; on cache lines of its own. It outlives the thread, whose own words do not.
/// </summary>
/// <remarks>
/// A CPU predicts that a load reads what was just stored if the last twelve bits of the addresses agree, and finds out late that it
/// does not (4K aliasing). So the two words that are stored on each call are at offsets in their line at which the table and the slots have
/// nothing.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.TraceThread_SizeOf)]
internal unsafe struct TraceThread
{
    /// <summary>How many marks of handlers on other stacks a record can hold.</summary>
    public const int MaxAside = 4;

    /// <summary>Levels of NMI nesting from 1 on whose marks are kept.</summary>
    public const int MaxMarks = Offsets.TraceThread_MaxMarks;

    /// <summary>The handler that runs outside of NMIs, a <see cref="TraceMark"/>; 0: none.</summary>
    [FieldOffset(Offsets.TraceThread_Mark)] public ulong Mark;

    /// <summary>Bit n, from 1 on: a handler runs at this level of NMI nesting. The kernel's recursion bits.</summary>
    [FieldOffset(Offsets.TraceThread_Levels)] public ulong Levels;

    /// <summary>How often the thread has left all handlers on its stack: its quiescent states, as of RCU.</summary>
    [FieldOffset(Offsets.TraceThread_QuiescentStates)] public ulong QuiescentStates;

    /// <summary>The thread's id.</summary>
    [FieldOffset(Offsets.TraceThread_Tid)] public int Tid;

    /// <summary>A <see cref="ClaimState"/>.</summary>
    [FieldOffset(Offsets.TraceThread_Claimed)] public uint Claimed;

    /// <summary>Marks of handlers that the thread has left for another stack, and to which it may come back; 0: none.</summary>
    [FieldOffset(Offsets.TraceThread_Aside)] public fixed ulong Aside[MaxAside];

    /// <summary>The thread's words, while it lives.</summary>
    [FieldOffset(Offsets.TraceThread_Words)] public NmiThread* Words;

    /// <summary>From this address on the thread's own stack has been found to be readable, see <see cref="ThreadStack"/>.</summary>
    [FieldOffset(Offsets.TraceThread_StackLow)] public ulong StackLow;

    /// <summary>Where it ends; 0: not known yet.</summary>
    [FieldOffset(Offsets.TraceThread_StackTop)] public ulong StackTop;

    /// <summary>Not 0 if there is a mark in <see cref="Aside"/>.</summary>
    [FieldOffset(Offsets.TraceThread_AsideCount)] public int AsideCount;

    /// <summary>Traced calls in NMIs until the next check that the thread is in an NMI at all.</summary>
    [FieldOffset(Offsets.TraceThread_CallsToRecheck)] public int CallsToRecheck;

    /// <summary>The marks of the <see cref="Levels"/>, from level 1 on.</summary>
    [FieldOffset(Offsets.TraceThread_Marks)] public fixed ulong Marks[MaxMarks];

    /// <summary>The offset of a slot of the thread's that may be free; see <see cref="GraphSlots"/>.</summary>
    [FieldOffset(Offsets.TraceThread_GraphCursor)] public ulong GraphCursor;

    /// <summary>The id of the innermost call whose exit is traced; 0: there is none.</summary>
    [FieldOffset(Offsets.TraceThread_GraphTop)] public ulong GraphTop;

    /// <summary>The number of the first of the thread's chunks, plus 1; 0: it has none.</summary>
    [FieldOffset(Offsets.TraceThread_GraphChunks)] public ulong GraphChunks;

    /// <summary>Calls that were not traced for lack of a slot.</summary>
    [FieldOffset(Offsets.TraceThread_GraphOverruns)] public ulong GraphOverruns;

    /// <summary>How many chunks it has.</summary>
    [FieldOffset(Offsets.TraceThread_GraphChunkCount)] public uint GraphChunkCount;

    /// <summary>With so many chunks it looks for slots of calls that were left, before it takes another chunk.</summary>
    [FieldOffset(Offsets.TraceThread_GraphScanAt)] public uint GraphScanAt;

    /// <summary>So many further calls do not look for slots: there were none.</summary>
    [FieldOffset(Offsets.TraceThread_GraphSkip)] public uint GraphSkip;

    /// <summary>What <see cref="GraphSkip"/> was last set to.</summary>
    [FieldOffset(Offsets.TraceThread_GraphBackoff)] public uint GraphBackoff;

    /// <summary>The ring that it records to, <c>struct ring</c>; never null, so the trampoline does not check.</summary>
    [FieldOffset(Offsets.TraceThread_Ring)] public void* Ring;

    /// <summary>Events that it is writing, other than the trampolines' own.</summary>
    [FieldOffset(Offsets.TraceThread_Writing)] public uint Writing;

    /// <summary>The thread's own stack, as far as it is known.</summary>
    [NoInstr]
    public readonly ThreadStack Stack => ThreadStack.Of(Words, StackLow, StackTop);

    /// <summary>True if a handler is marked on the stack that the thread uses.</summary>
    [NoInstr]
    public readonly bool IsMarked => Mark > TraceMark.LookAside || Levels != 0;

    /// <summary>Clears all marks, and gives back the slots: the thread has ended.</summary>
    [NoInstr]
    public void Clear()
    {
        Mark = 0;
        Levels = 0;
        AsideCount = 0;
        for (int i = 0; i < MaxAside; i++)
        {
            Aside[i] = 0;
        }

        Writing = 0;
        GraphSlots.Release(ref this);
        RingOwner.End(ref this);
    }
}
