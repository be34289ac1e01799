using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Text;

namespace Ftrace.Protocol;

/// <summary>The shared words of the breakpoint method. Unmanaged memory, zero at the start.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct BreakpointState
{
    /// <summary>
    /// 1: NMIs that enter make SIGTRAP deliverable for themselves. 0: they are counted in <see cref="HeldNmis"/> and leave
    /// their signal mask alone.
    /// </summary>
    [FieldOffset(0)] public uint Armed;

    /// <summary>1: a batch is on; trap handlers look their address up in it.</summary>
    [FieldOffset(4)] public uint Active;

    /// <summary>Which code a thread executes that runs into a breakpoint: 0 the old, 1 the new.</summary>
    [FieldOffset(8)] public uint Code;

    /// <summary>Locations of the batch.</summary>
    [FieldOffset(12)] public int Count;

    /// <summary>The locations, sorted. Valid while <see cref="Active"/>, and until <see cref="Handlers"/> is 0 after that.</summary>
    [FieldOffset(16)] public PatchOrder Locations;

    /// <summary>1: our handler for SIGTRAP has been installed.</summary>
    [FieldOffset(32)] public uint Installed;

    /// <summary>1: a batch could be neither completed nor put back; nothing is patched any more. Kernel: ftrace_kill().</summary>
    [FieldOffset(36)] public uint Killed;

    /// <summary>What the host had for SIGTRAP; traps that are not ours are its.</summary>
    [FieldOffset(40)] public KernelSigaction Previous;

    /// <summary>
    /// 1: the pages of the batch are open, or about to be, or have just been closed. For the child of a fork: it gets the pages
    /// of the parent one after the other, while the parent's threads run, so this brackets the system calls that wait for a fork.
    /// </summary>
    [FieldOffset(72)] public uint Open;

    /// <summary>Trap handlers that may be looking at the batch.</summary>
    [FieldOffset(128)] public uint Handlers;

    /// <summary>Announced NMIs that may have SIGTRAP blocked.</summary>
    [FieldOffset(132)] public uint HeldNmis;

    /// <summary>Traps taken.</summary>
    [FieldOffset(136)] public ulong Hits;
}
