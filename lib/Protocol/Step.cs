namespace Ftrace.Protocol;

/// <summary>
/// Names of steps, as in brackets in the comments of the protocols. The simulated machine of the tests tells by them which step it is to
/// leave out or to weaken. The machine that ships ignores them, and its code has nothing of them.
/// </summary>
internal enum Step
{
    /// <summary>The operation and the word say which step it is.</summary>
    Unnamed,

    // NmiProtocol:

    /// <summary>Buffers before flag.</summary>
    Publish,

    /// <summary>Flag before the patcher's own write.</summary>
    SetFlag,

    /// <summary>Bytes before the flag is clear; and clearing it.</summary>
    Written,

    /// <summary>Who could not write clears the flag.</summary>
    WriteFailed,

    /// <summary>An NMI is announced: what follows comes before it executes anything.</summary>
    Enter,

    /// <summary>All that an NMI executed is over.</summary>
    Exit,

    /// <summary>The innermost level is shifted out of the saved word.</summary>
    Pop,

    // BreakpointProtocol and BreakpointSequence:

    /// <summary>Membarrier after the gate's store.</summary>
    GateSync,

    /// <summary>Armed before the count of held NMIs is read.</summary>
    Arm,

    /// <summary>An NMI was counted as held, and looks whether NMIs are to unblock SIGTRAP.</summary>
    SecondLook,

    /// <summary>All that a held NMI executed is over.</summary>
    ExitHeld,

    /// <summary>The batch before the breakpoints.</summary>
    PublishBatch,

    /// <summary>All cores serialize after the breakpoints.</summary>
    BreakpointSync,

    /// <summary>All cores serialize after the other bytes.</summary>
    TailSync,

    /// <summary>Traps execute the other code from here on: the moment at which all of the batch changes.</summary>
    Turn,

    /// <summary>All cores serialize after the first bytes.</summary>
    HeadSync,

    /// <summary>The batch is withdrawn before the count of trap handlers is read.</summary>
    Withdraw,

    /// <summary>The entries that stay for good before the look for trap handlers.</summary>
    Keep,

    /// <summary>A trap handler looks at the text before it looks for a batch.</summary>
    LookBefore,

    /// <summary>It looks at the text after that.</summary>
    LookAfter,

    /// <summary>A trap handler is done with the batch.</summary>
    TrapDone,

    // StopSequence and ReleaseProtocol:

    /// <summary>The patcher's own core serializes after the change, in the window.</summary>
    WindowSync,

    /// <summary>All cores serialize before the other threads go on.</summary>
    ReleaseSync,

    /// <summary>The patcher's core does, on which it may not have been when it changed the text.</summary>
    ReleaseOwnSync,

    /// <summary>A parked thread serializes by itself.</summary>
    ParkedSync,
}
