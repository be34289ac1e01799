using System.Runtime.InteropServices;

namespace Ftrace.Nmi;

/// <summary>The record of a thread for stops. The patcher owns it, except for the fields that the thread writes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ThreadRecord
{
    /// <summary>The thread's id; 0: the record is free.</summary>
    public int Tid;

    /// <summary>Generation in which it was last asked to park. The thread reads it when the signal arrives.</summary>
    public uint RequestedGeneration;

    /// <summary>Generation in which it last parked. Written by the thread.</summary>
    public uint ParkedGeneration;

    /// <summary>
    /// 1: a stop signal has been sent, and its handler has not begun. Set by the patcher, cleared by the thread: for a thread that blocks
    /// the signal one is pending, however many stops are tried.
    /// </summary>
    public uint SignalSent;

    /// <summary>
    /// 1: the thread is in the handler of the stop signal, or parks on leaving an NMI, with all signals blocked but NMIs and faults. Written
    /// by the thread.
    /// </summary>
    public uint Parking;

    /// <summary>1: a kernel thread, <see cref="Linux.TaskKind.KernelWorker"/>.</summary>
    public uint KernelWorker;

    /// <summary>1: the thread does not take the stop signal, and has to be seized.</summary>
    public uint MustBeSeized;

    /// <summary>A <c>SeizeStatus</c>.</summary>
    public uint Seize;

    /// <summary>Why seizing was refused: -errno.</summary>
    public int SeizeError;

    /// <summary>Generation in which it last stood still, seized.</summary>
    public uint SeizedGeneration;

    /// <summary>The signal that was about to be delivered when the thread was seized, and is delivered when it is resumed; 0: none.</summary>
    public int InterceptedSignal;

    /// <summary>The last scan that listed it.</summary>
    public uint Scan;

    /// <summary>1: the thread was seen to block the stop signal, but not all signals, as at its birth; or to wait for signals.</summary>
    public uint HasBlocked;

    /// <summary>How many masks prove so far that the thread takes the signal while it runs, see <c>ThreadInspection</c>.</summary>
    public uint Masks;

    /// <summary>The number of the stop that they were read for.</summary>
    public uint StopOfMasks;

    /// <summary>How often it had slept at those masks.</summary>
    public ulong SleepsAtMask;

    /// <summary>Its CPU time at the last of them, in nanoseconds.</summary>
    public long RunTimeAtMask;

    /// <summary>
    /// Its CPU time, in nanoseconds, when it was first seen to block the stop signal as at the start or the end of its handler; 0: it was not.
    /// </summary>
    public long RunTimeAtEdge;

    /// <summary>Its <see cref="ParkedGeneration"/> at that time.</summary>
    public uint ParkedAtEdge;

    /// <summary>When the thread was inspected with a result that is not just momentary; 0: it was not.</summary>
    public long InspectedNs;

    /// <summary>1: found by a scan, and not inspected yet.</summary>
    public uint IsNew;

    /// <summary>
    /// <c>struct ucontext</c> of the stop signal; 0 if it parked on leaving an NMI. Written by the thread,
    /// valid while it is parked.
    /// </summary>
    public ulong Context;

    /// <summary>The stack pointer when the thread was stopped. Valid while it stands still.</summary>
    public ulong StackPointer;

    /// <summary>The thread's <see cref="Protocol.NmiThread"/>; 0: it has none. Valid while it stands still.</summary>
    public ulong Words;

    /// <summary>Where a seized thread resumes. The patcher may change it.</summary>
    public ulong Rip;

    /// <summary>True if the thread stands still in the stop of this generation.</summary>
    public readonly bool StandsStill(uint generation) => ParkedGeneration == generation || SeizedGeneration == generation;
}
