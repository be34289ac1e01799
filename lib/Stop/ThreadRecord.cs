using System.Runtime.InteropServices;

namespace Ftrace.Stop;

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

    /// <summary>1: a kernel thread, <see cref="TaskKind.KernelWorker"/>.</summary>
    public uint KernelWorker;

    private readonly uint _unused;

    /// <summary>
    /// <c>struct ucontext</c> of the stop signal; 0 if it parked on leaving an NMI. Written by the thread,
    /// valid while it is parked.
    /// </summary>
    public ulong Context;

    /// <summary>Where the stack ended when it was stopped. Likewise.</summary>
    public ulong StackPointer;
}
