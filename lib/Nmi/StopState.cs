using System.Runtime.InteropServices;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The words of a stop. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Explicit, Size = 512)]
internal unsafe struct StopState
{
    /// <summary>Offset in <see cref="Linux.SharedState"/>.</summary>
    public const int Offset = 256;

    /// <summary>How many threads can be stopped.</summary>
    public const int MaxThreads = 65536;

    /// <summary>
    /// <code>
    /// bits 63..32  generation: odd while a stop is on, even between stops
    /// bits 31..0   threads that have joined this stop
    /// </code>
    /// One word, so that a thread joins only the stop that asked it. Both halves are futexes: parked
    /// threads sleep on the generation, the patcher sleeps on the count.
    /// </summary>
    [FieldOffset(0)] public ulong Word;

    /// <summary>Lower half of <see cref="Word"/>.</summary>
    [FieldOffset(0)] public uint Joined;

    /// <summary>Upper half of <see cref="Word"/>.</summary>
    [FieldOffset(4)] public uint Generation;

    /// <summary>Count of <see cref="Joined"/> at which the patcher wants to be woken.</summary>
    [FieldOffset(128)] public uint WakeAt;

    /// <summary>Generation whose NMIs are being drained: announced ones stay where they leave. 0: none.</summary>
    [FieldOffset(132)] public uint DrainGeneration;

    /// <summary>The <see cref="NmiThread"/> of the thread that opened the window; 0: no window.</summary>
    [FieldOffset(136)] public ulong Owner;

    /// <summary>Signals declared as NMIs.</summary>
    [FieldOffset(144)] public ulong NmiSignals;

    /// <summary>The threads, <c>ThreadTable</c>.</summary>
    [FieldOffset(152)] public ThreadRecord* Records;

    /// <summary>The id of this process, as it is sent with our signals.</summary>
    [FieldOffset(160)] public int Pid;

    /// <summary>The stop signal; 0: not chosen yet.</summary>
    [FieldOffset(164)] public int Signal;

    /// <summary>Who serializes when the threads go on.</summary>
    [FieldOffset(168)] public ReleaseState Release;

    /// <summary>When the patcher's current wait for NMIs began.</summary>
    [FieldOffset(176)] public long WaitStartNs;

    /// <summary>Stop requests noted inside an announced NMI. Written by many threads.</summary>
    [FieldOffset(256)] public ulong DeferredStops;

    /// <summary>A number that is sent with our signals: a forged one does not have it.</summary>
    [FieldOffset(384)] public uint Secret;

    /// <summary>
    /// How many times a parked thread reads the generation before it goes to sleep: a short stop is over by then, if
    /// the patcher has a CPU to itself; 0 if it has not.
    /// </summary>
    [FieldOffset(388)] public uint Spins;

    /// <summary>1: <see cref="Linux.Membarrier"/> is registered for this address space.</summary>
    [FieldOffset(392)] public uint MembarrierRegistered;

    /// <summary>The owner's signal mask before the stop.</summary>
    [FieldOffset(400)] public ulong OwnerMask;

    /// <summary>When the first thread was asked to park; 0: none was.</summary>
    [FieldOffset(408)] public long StartNs;

    /// <summary>Until when the other threads must have stopped.</summary>
    [FieldOffset(456)] public long DeadlineNs;

    [FieldOffset(416)] public ulong Stops;
    [FieldOffset(424)] public ulong StoppedThreads;
    [FieldOffset(432)] public ulong LastStopNs;
    [FieldOffset(440)] public ulong MaxStopNs;
    [FieldOffset(448)] public ulong MaskedStops;

    /// <summary>Of the <see cref="StoppedThreads"/>, those that were seized.</summary>
    [FieldOffset(464)] public ulong SeizedThreads;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static StopState* Shared => (StopState*)Linux.SharedState.At(Offset);
}
