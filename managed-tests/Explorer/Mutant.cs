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

    /// <summary>A parked thread does not serialize, although there is no membarrier.</summary>
    NoParkedSync,

    /// <summary>patcher: parked threads are not told to serialize, although there is no membarrier.</summary>
    NoSerializeParked,

    /// <summary>patcher: does not note that text has changed, so that nobody serializes.</summary>
    NoTextChanged,

    /// <summary>patcher: its own CPU does not serialize after the change, in the window.</summary>
    NoWindowSync,

    /// <summary>patcher: nor before the release, where it may be on another CPU.</summary>
    NoReleaseOwnSync,

    /// <summary>patcher: what could be neither changed nor put back is not noted, so that the gate closes.</summary>
    NotKilled,

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

    // From here on, of the breakpoint method:

    /// <summary>The gate opens only when SIGTRAP has been seen unblocked everywhere.</summary>
    GateAfterLook,

    /// <summary>No membarrier after the gate was opened.</summary>
    NoGateSync,

    /// <summary>Nobody looks who has SIGTRAP blocked.</summary>
    NoLook,

    /// <summary>enter: unblocks SIGTRAP although the patcher may still be looking at masks.</summary>
    OnePhase,

    /// <summary>seized: stands still inside of an announced NMI.</summary>
    SeizedInNmi,

    /// <summary>seized: let go on in an announced NMI without a note of the stop.</summary>
    LetGoWithoutNote,

    /// <summary>patcher: a seized thread counts as stopped when it was only asked to.</summary>
    CountedBeforeStopped,

    /// <summary>patcher: the seized are let go before the CPUs serialize.</summary>
    SeizedGoFirst,

    /// <summary>enter: does not look again after it was counted as held.</summary>
    NoSecondLook,

    /// <summary>enter and exit: the count of held NMIs is changed with loads and stores.</summary>
    PlainHeld,

    /// <summary>patcher: no barrier between arming and counting.</summary>
    NoArmBarrier,

    /// <summary>patcher: does not wait for held NMIs.</summary>
    NoHeldWait,

    /// <summary>enter: leaves SIGTRAP blocked.</summary>
    NoUnblock,

    /// <summary>exit: leaves SIGTRAP unblocked.</summary>
    NoBlock,

    /// <summary>patcher: NMIs are told to leave SIGTRAP blocked before the batch is changed.</summary>
    DisarmFirst,

    /// <summary>patcher: no barrier between the batch and the breakpoints. Redundant on x86.</summary>
    NoBatchBarrier,

    /// <summary>patcher: no breakpoints.</summary>
    NoBreakpoint,

    /// <summary>patcher: no membarrier after the breakpoints.</summary>
    NoBreakpointSync,

    /// <summary>patcher: the first bytes before the others.</summary>
    HeadsFirst,

    /// <summary>patcher: no membarrier after the other bytes.</summary>
    NoTailSync,

    /// <summary>patcher: traps go on to execute the old code.</summary>
    CodeStaysOld,

    /// <summary>patcher: traps go on to execute the new code while a failed batch is put back.</summary>
    NewWhilePutBack,

    /// <summary>patcher: no membarrier after the first bytes.</summary>
    NoHeadSync,

    /// <summary>patcher: its own CPU does not serialize with the others.</summary>
    NoOwnSync,

    /// <summary>patcher: no barrier between withdrawing the batch and counting.</summary>
    NoWithdrawBarrier,

    /// <summary>patcher: does not wait for trap handlers.</summary>
    NoHandlersWait,

    /// <summary>patcher: if breakpoints are left, does not wait for trap handlers that look at the caller's entries.</summary>
    NoKeepWait,

    /// <summary>patcher: if breakpoints are left, no barrier between keeping the batch and that wait.</summary>
    NoKeepBarrier,

    /// <summary>trap: the count of handlers is changed with loads and stores.</summary>
    PlainHandlers,

    /// <summary>trap: does not look whether a breakpoint stands there before it looks for a batch.</summary>
    NoLookBefore,

    /// <summary>trap: does not look whether a breakpoint still stands there after it.</summary>
    NoLookAfter,
}
