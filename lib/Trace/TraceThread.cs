using System.Runtime.InteropServices;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>
/// What others may know of a thread that calls handlers. Written by the thread alone, in Native/trace_entry.S and
/// <see cref="TraceMarks"/>, or by who has stopped it; on lines of its own. It outlives the thread: a thread's own words go with it.
/// </summary>
/// <remarks>
/// A CPU takes a load for one of what was just stored if the last twelve bits of the addresses agree, and finds out late that it
/// is not. So the two words that are stored on each call are where, in their line, the table and the slots have nothing.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.TraceThread_SizeOf)]
internal unsafe struct TraceThread
{
    /// <summary>Handlers on other stacks that a record has room for.</summary>
    public const int MaxAside = 4;

    /// <summary>Levels of NMI nesting from 1 on whose marks are kept.</summary>
    public const int MaxMarks = Offsets.TraceThread_MaxMarks;

    /// <summary>The handler that runs outside of NMIs, a <see cref="TraceMark"/>; 0: none.</summary>
    [FieldOffset(Offsets.TraceThread_Mark)] public ulong Mark;

    /// <summary>Bit n, from 1 on: a handler runs at this level of NMI nesting. The kernel's recursion bits.</summary>
    [FieldOffset(Offsets.TraceThread_Levels)] public ulong Levels;

    /// <summary>How often the thread has come out of all handlers on its stack.</summary>
    [FieldOffset(Offsets.TraceThread_Pauses)] public ulong Pauses;

    /// <summary>The thread.</summary>
    [FieldOffset(Offsets.TraceThread_Tid)] public int Tid;

    /// <summary>A <see cref="ClaimState"/>.</summary>
    [FieldOffset(Offsets.TraceThread_Claimed)] public uint Claimed;

    /// <summary>Marks of handlers that the thread has left for another stack, and to which it may come back; 0: none.</summary>
    [FieldOffset(Offsets.TraceThread_Aside)] public fixed ulong Aside[MaxAside];

    /// <summary>The thread's words, while it lives.</summary>
    [FieldOffset(Offsets.TraceThread_Words)] public NmiThread* Words;

    /// <summary>From here on the thread's own stack has been seen to be readable, see <see cref="ThreadStack"/>.</summary>
    [FieldOffset(Offsets.TraceThread_StackLow)] public ulong StackLow;

    /// <summary>Where it ends; 0: not looked yet.</summary>
    [FieldOffset(Offsets.TraceThread_StackTop)] public ulong StackTop;

    /// <summary>Not 0 if something stands in <see cref="Aside"/>.</summary>
    [FieldOffset(Offsets.TraceThread_AsideCount)] public int AsideCount;

    /// <summary>Traced calls in NMIs before the next look whether there is an NMI.</summary>
    [FieldOffset(Offsets.TraceThread_Turns)] public int Turns;

    /// <summary>Of <see cref="Levels"/>, from 1 on: the marks.</summary>
    [FieldOffset(Offsets.TraceThread_Marks)] public fixed ulong Marks[MaxMarks];

    /// <summary>The thread's own stack, as far as it is known.</summary>
    [NoInstr]
    public readonly ThreadStack Stack => ThreadStack.Of(Words, StackLow, StackTop);

    /// <summary>True if a handler is marked on the stack that the thread uses.</summary>
    [NoInstr]
    public readonly bool IsMarked => Mark > TraceMark.LookAside || Levels != 0;

    /// <summary>Forgets all marks: the thread is not there any more.</summary>
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
    }
}
