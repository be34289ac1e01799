using System.Runtime.InteropServices;

namespace Ftrace.Protocol;

/// <summary>The words of the breakpoint method's protocol. Unmanaged memory, zero at the start.</summary>
/// <remarks>The batch itself is the machine's, in the gaps between them.</remarks>
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

    /// <summary>Which code a thread executes that runs into a breakpoint: a <see cref="PatchCode"/>.</summary>
    [FieldOffset(8)] public uint Code;

    /// <summary>Trap handlers that may be looking at the batch.</summary>
    [FieldOffset(128)] public uint Handlers;

    /// <summary>Announced NMIs that may have SIGTRAP blocked.</summary>
    [FieldOffset(132)] public uint HeldNmis;
}
