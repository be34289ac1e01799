using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <content>The signal.</content>
internal unsafe partial struct TrapState
{
    /// <summary>What the host had installed for SIGTRAP; it gets the traps that are not ours.</summary>
    [FieldOffset(40)] public KernelSigaction Previous;
}
