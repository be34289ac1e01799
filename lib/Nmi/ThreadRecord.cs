using System.Runtime.InteropServices;

namespace Ftrace.Nmi;

/// <summary>One thread in a stop. The patcher owns it, but for the fields that the thread itself writes.</summary>
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
    /// 1: a stop signal is under way to it. Set by the patcher, cleared by the thread: a thread that blocks the signal
    /// has one waiting, however many stops are tried.
    /// </summary>
    public uint SignalSent;

    /// <summary>
    /// 1: it is in the handler of the stop signal, or parks on leaving an NMI, with all blocked but NMIs and faults. Written by the thread.
    /// </summary>
    public uint Parking;

    /// <summary>1: a kernel thread, <see cref="Linux.TaskKind.KernelWorker"/>.</summary>
    public uint KernelWorker;

    /// <summary>1: it does not take the stop signal, and has to be seized.</summary>
    public uint MustBeSeized;

    /// <summary>A <c>SeizeStatus</c>.</summary>
    public uint Seize;

    /// <summary>Why it was refused: -errno.</summary>
    public int SeizeError;

    /// <summary>Generation in which it last stood still, seized.</summary>
    public uint SeizedGeneration;

    /// <summary>The signal that it was about to take when it was seized; 0: none.</summary>
    public int InterceptedSignal;

    /// <summary>The last scan that listed it.</summary>
    public uint Scan;

    /// <summary>1: it was seen to block the stop signal, and not just every one, as when it is born; or to wait for signals.</summary>
    public uint HasBlocked;

    /// <summary>When a look at it told how it is to be asked, and not just for a moment; 0: none has.</summary>
    public long InspectedNs;

    /// <summary>1: found by a scan, and not looked at yet.</summary>
    public uint IsNew;

    /// <summary>
    /// <c>struct ucontext</c> of the stop signal; 0 if it parked on leaving an NMI. Written by the thread,
    /// valid while it is parked.
    /// </summary>
    public ulong Context;

    /// <summary>Where the stack ended when it was stopped. Likewise.</summary>
    public ulong StackPointer;

    /// <summary>Where a seized thread goes on. The patcher may change it.</summary>
    public ulong Rip;

    /// <summary>True if the thread stands still in the stop of this generation.</summary>
    public readonly bool StandsStill(uint generation) => ParkedGeneration == generation || SeizedGeneration == generation;
}
