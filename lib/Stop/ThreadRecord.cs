using System.Runtime.InteropServices;

namespace Ftrace.Stop;

/// <summary>One thread in a stop. The patcher owns it, but for the fields that the thread itself writes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ThreadRecord
{
    /// <summary>The thread's id; 0: the record is free.</summary>
    public int Tid;

    /// <summary>Generation in which it was last asked to park.</summary>
    public uint RequestedGeneration;

    /// <summary>Generation in which it last parked. Written by the thread.</summary>
    public uint ParkedGeneration;

    private readonly uint _unused;

    /// <summary>
    /// <c>struct ucontext</c> of the stop signal; 0 if it parked on leaving an NMI. Written by the thread,
    /// valid while it is parked.
    /// </summary>
    public ulong Context;
}
