namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>Steps of the protocols between threads that can be left out, or be done wrong.</summary>
internal enum HandshakeMutant
{
    None,

    /// <summary>A thread that could not join at once does not look again which stop is on.</summary>
    JoinLooksOnce,

    /// <summary>It joins with a load and a store.</summary>
    PlainJoin,

    /// <summary>What others may know of it is written after it has joined.</summary>
    ParkedLate,

    /// <summary>The patcher looks whether a signal is under way before it writes the generation.</summary>
    AskLooksFirst,

    /// <summary>The generation is written without a barrier.</summary>
    PlainAsk,

    /// <summary>It looks at <c>sent</c> alone, and the handler reads the generation before it clears that.</summary>
    AcceptReadsFirst,

    /// <summary>The handler reads the generation before it clears <c>sent</c>; a pending signal is looked at.</summary>
    OnlyAcceptReadsFirst,

    /// <summary>The patcher looks at <c>sent</c> alone.</summary>
    NoPendingLook,

    /// <summary>The patcher does not look whether a signal is under way.</summary>
    AlwaysSends,

    /// <summary>Nobody wakes the patcher.</summary>
    NoWake,

    /// <summary>Without the barrier between wake-at and the count.</summary>
    NoWakeBarrier,

    /// <summary>The release reads the count, and then stores.</summary>
    PlainRelease,

    /// <summary>No membarrier.</summary>
    NoMembarrier,

    /// <summary>Who waits looks at the mark outside of NMIs only.</summary>
    LevelZeroOnly,

    /// <summary>Who waits reads how often the thread has come out before the membarrier.</summary>
    SnapshotFirst,

    /// <summary>The thread reads the table, and then marks itself.</summary>
    MarkAfterTable,

    /// <summary>A handler in an NMI counts as the last one.</summary>
    QuiescentInNmi,

    /// <summary>Who waits does not look whether the thread has ended.</summary>
    NoReap,

    /// <summary>Who takes a record back does not look again.</summary>
    NoSecondLook,

    /// <summary>The record is taken with a load and a store.</summary>
    PlainTake,

    /// <summary>The thread's id is written after the record is in use.</summary>
    OwnerLate,
}
