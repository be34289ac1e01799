namespace Ftrace.Tests.Explorer;

/// <summary>One step of the protocol left out or weakened, in the simulated machine.</summary>
internal enum Mutant
{
    /// <summary>The protocol as it ships.</summary>
    None,

    /// <summary>The gate is always open: the protocol before 2010. Correct, but slow.</summary>
    NoGate,

    /// <summary>The gate opens only when the others are parked already.</summary>
    GateAfterStop,

    /// <summary>Nobody is parked.</summary>
    NoStop,

    /// <summary>enter: the increment of nmi_running is a load and a store.</summary>
    PlainIncrement,

    /// <summary>exit: the decrement of nmi_running is a load and a store.</summary>
    PlainDecrement,

    /// <summary>patcher: the compare-exchange is a load and a store.</summary>
    PlainCmpxchg,

    /// <summary>patcher: clearing the flag is a load and a store.</summary>
    PlainClear,

    /// <summary>patcher: the flag is set without waiting for NMIs.</summary>
    NoFirstWait,

    /// <summary>patcher: no wait after the flag is clear.</summary>
    NoSecondWait,

    /// <summary>enter: an NMI that sees the flag does not write.</summary>
    NmiDoesNotWrite,

    /// <summary>enter: no serializing instruction.</summary>
    NoSyncCore,

    /// <summary>patcher: no membarrier before the release.</summary>
    NoSyncAll,

    /// <summary>A stop inside an announced NMI parks at once.</summary>
    NoDeferral,

    /// <summary>exit: looks for a deferred stop before the level is popped.</summary>
    CheckBeforePop,

    /// <summary>One saved flag instead of a stack of bits.</summary>
    OneFlag,

    /// <summary>exit: the gate decides instead of the saved copy.</summary>
    ExitByGate,

    /// <summary>A failed write leaves the flag set.</summary>
    NoClearOnFailure,

    /// <summary>patcher: no barrier between the buffers and the flag. Only on the machine with weak stores.</summary>
    NoPublishBarrier,

    /// <summary>patcher: no barrier between the bytes and clearing the flag. Likewise.</summary>
    NoWrittenBarrier,

    /// <summary>enter: no barrier between the bytes and executing them. Likewise.</summary>
    NoEnterBarrier,
}
