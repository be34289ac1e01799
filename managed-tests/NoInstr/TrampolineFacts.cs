using System;

namespace Ftrace.Tests.NoInstr;

/// <summary>What is so at an instruction of Native/trace_entry.S: on every way there, or, of the last ones, on some way.</summary>
[Flags]
internal enum TrampolineFacts
{
    None = 0,

    /// <summary>The thread has marked itself.</summary>
    Marked = 1,

    /// <summary>The mark was compared with the own one, after that or after the handler.</summary>
    Compared = 2,

    /// <summary>The mark was taken away.</summary>
    Cleared = 4,

    /// <summary>A bit of a level was set in a register, and it was not set before.</summary>
    BitSet = 8,

    /// <summary>Those that hold if they do on every way.</summary>
    OnEveryWay = Marked | Compared | Cleared | BitSet | ComparedWithFull,

    /// <summary>A handler was called, and the mark is still there.</summary>
    Owes = 16,

    /// <summary>The mark of a level was taken away, and nobody has looked whether there are others.</summary>
    OthersUnknown = 32,

    /// <summary>The result of graph.c was compared with GRAPH_FULL, by the instruction before.</summary>
    ComparedWithFull = 64,
}
