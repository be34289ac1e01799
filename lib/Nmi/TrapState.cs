using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Nmi;

/// <summary>
/// The shared words of the breakpoint method: those of the protocol, and in the gaps between them the batch, so that a trap handler
/// reads one cache line and writes one.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe partial struct TrapState
{
    /// <summary>Offset in <see cref="SharedState"/>.</summary>
    public const int Offset = 896;

    /// <summary>The protocol's words.</summary>
    [FieldOffset(0)] public BreakpointState Protocol;

    /// <summary>Locations of the batch.</summary>
    [FieldOffset(12)] public int Count;

    /// <summary>
    /// The locations, sorted. Valid while <see cref="BreakpointState.Active"/>, and until <see cref="BreakpointState.Handlers"/> is 0
    /// after that.
    /// </summary>
    [FieldOffset(16)] public PatchOrder Locations;

    /// <summary>1: our handler for SIGTRAP has been installed.</summary>
    [FieldOffset(32)] public uint Installed;

    /// <summary>
    /// 1: the pages of the batch are open, are about to be, or have just been closed. For the child of a fork: the parent's pages are
    /// copied one after the other while its threads run, so this brackets the system calls that wait for the end of a fork.
    /// </summary>
    [FieldOffset(72)] public uint Open;

    /// <summary>Traps taken.</summary>
    [FieldOffset(136)] public ulong Hits;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TrapState* Shared => (TrapState*)SharedState.At(Offset);
}
