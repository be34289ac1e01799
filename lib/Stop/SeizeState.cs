using System.Runtime.InteropServices;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>The words by which the patcher and the seizing process communicate. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct SeizeState
{
    /// <summary>The last <see cref="SeizeCommand"/>. A futex: the process sleeps on it. Written by the patcher.</summary>
    [FieldOffset(0)] public uint Command;

    /// <summary>The last command that has been executed; 0: none yet. A futex: the patcher sleeps on it. Written by the process.</summary>
    [FieldOffset(128)] public uint Done;

    /// <summary>The stop's generation.</summary>
    [FieldOffset(64)] public uint Generation;

    /// <summary><see cref="ThreadTable.Used"/>.</summary>
    [FieldOffset(68)] public int Used;

    /// <summary>When the first thread was asked to stop; 0: not yet.</summary>
    [FieldOffset(96)] public long StopStartNs;

    /// <summary>When the process exits by itself unless a second command has come. Used by the process only.</summary>
    [FieldOffset(104)] public long AbandonedNs;

    /// <summary>The threads.</summary>
    [FieldOffset(72)] public ThreadRecord* Records;

    /// <summary>Distance from a thread's fs base to its <see cref="Protocol.NmiThread"/>: the same for all threads of the C library.</summary>
    [FieldOffset(80)] public long ThreadOffset;

    /// <summary>Distance from there to its id, as the C library keeps it; 0: not known.</summary>
    [FieldOffset(88)] public long TidOffset;

    /// <summary>The argument of <see cref="SeizeCommand.Search"/>.</summary>
    [FieldOffset(112)] public AddressRange Sought;

    /// <summary>Its result: an address of the range that is in a register; 0: there is none. Written by the process.</summary>
    [FieldOffset(136)] public ulong Found;

    /// <summary>The thread whose register it is.</summary>
    [FieldOffset(144)] public int FoundTid;
}
