using System.Runtime.InteropServices;

namespace Ftrace.Stop;

/// <summary>A thread that a stop has suspended, or is about to.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SuspendedThread
{
    public nint Handle;
    public ulong Id;

    /// <summary>Where it will go on.</summary>
    public ulong Rip;

    /// <summary>1: it stands still. 0: it runs until it has left its announced NMIs, and is asked again.</summary>
    public uint StandsStill;

    /// <summary>1: it was found inside an announced NMI, and counted.</summary>
    public uint WasDeferred;
}
