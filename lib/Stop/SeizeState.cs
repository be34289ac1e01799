using System.Runtime.InteropServices;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>What the patcher and the seizing process tell each other. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct SeizeState
{
    /// <summary>The last <see cref="SeizeCommand"/>. A futex: the process sleeps on it. Written by the patcher.</summary>
    [FieldOffset(0)] public uint Command;

    /// <summary>The last command that is done; 0: none yet. A futex: the patcher sleeps on it. Written by the process.</summary>
    [FieldOffset(128)] public uint Done;

    /// <summary>The stop's generation.</summary>
    [FieldOffset(64)] public uint Generation;

    /// <summary><see cref="ThreadTable.Used"/>.</summary>
    [FieldOffset(68)] public int Used;

    /// <summary>When the first thread was asked to stop; 0: not yet.</summary>
    [FieldOffset(96)] public long StopStartNs;

    /// <summary>When the process ends by itself, if there is no second command before. Its own.</summary>
    [FieldOffset(104)] public long AbandonedNs;

    /// <summary>The threads.</summary>
    [FieldOffset(72)] public ThreadRecord* Records;

    /// <summary>From where a thread's fs points to its <see cref="Protocol.NmiThread"/>: the same for all threads of the C library.</summary>
    [FieldOffset(80)] public long ThreadOffset;

    /// <summary>From there to its id, as the C library keeps it; 0: not known.</summary>
    [FieldOffset(88)] public long TidOffset;
}
