namespace Ftrace.Tests.Explorer;

/// <summary>What a context of the simulated machine does next.</summary>
internal enum OpKind : byte
{
    /// <summary>The program has ended.</summary>
    Done,

    /// <summary>No step: see <see cref="Replay.Checkpoint"/>.</summary>
    Checkpoint,

    /// <summary>Load of a shared word: own store buffer first, then memory.</summary>
    Read,

    /// <summary>Store to a shared word: goes into the store buffer.</summary>
    Write,

    /// <summary>Load of a word of the CPU's own thread.</summary>
    ReadOwn,

    /// <summary>Store to a word of the CPU's own thread.</summary>
    WriteOwn,

    /// <summary>Locked increment; needs an empty store buffer, as all locked operations.</summary>
    LockedInc,

    /// <summary>Locked decrement.</summary>
    LockedDec,

    /// <summary>Locked compare-exchange.</summary>
    LockedCmpxchg,

    /// <summary>Locked and: clears bits.</summary>
    LockedAndNot,

    /// <summary>Locked or: sets bits. Only mutants do it.</summary>
    LockedOr,

    /// <summary>A locked operation whose word does not matter: the counters.</summary>
    LockedOther,

    /// <summary>Full barrier: drains the store buffer.</summary>
    Barrier,

    /// <summary>Serializing instruction: forgets what was fetched ahead; on x86 it drains the store buffer.</summary>
    SyncCore,

    /// <summary>Store of one byte of text.</summary>
    WriteText,

    /// <summary>The patcher waits until a word is another one than it saw.</summary>
    Relax,

    /// <summary>Reads from the stop signal which stop it is about.</summary>
    Cookie,

    /// <summary>Joins that stop, if it is still on, and stays until it is over; tells whether it did.</summary>
    Park,

    /// <summary>The seized thread stands still until the stop is over, and takes no NMI.</summary>
    StandStill,

    /// <summary>The seizing process lets a thread go that must not stand still where it is.</summary>
    LetGo,

    /// <summary>Fetch of one byte of an instruction.</summary>
    Fetch,

    /// <summary>The bytes that were fetched are executed.</summary>
    Execute,

    /// <summary>The patcher asks all other CPUs to park.</summary>
    SendStops,

    /// <summary>The patcher waits until all have joined.</summary>
    WaitParked,

    /// <summary>membarrier: all other CPUs serialize.</summary>
    SyncAll,

    /// <summary>The patcher's thread goes on on a CPU that has fetched text at any time.</summary>
    Migrate,

    /// <summary>The patcher is about to change a location to a code; those before it are changed.</summary>
    BeginUnit,

    /// <summary>All locations have the code that they are left with.</summary>
    EndUnits,

    /// <summary>The patcher lets the others go.</summary>
    Release,

    /// <summary>The patcher sees SIGTRAP unblocked on a CPU.</summary>
    SeeUnblocked,

    /// <summary>A batch begins: its memory is valid, and its locations may have old or new code.</summary>
    BeginBatch,

    /// <summary>A batch has ended: its memory is the caller's again, and its locations have one code.</summary>
    EndBatch,

    /// <summary>A breakpoint was fetched: the kernel is entered, which serializes, and SIGTRAP is raised.</summary>
    TrapRaise,

    /// <summary>Its handler begins, with all signals blocked.</summary>
    TrapDeliver,

    /// <summary>It ends, with a result.</summary>
    TrapReturn,

    /// <summary>The handler executes a location's code.</summary>
    Emulate,

    /// <summary>SIGTRAP becomes deliverable in this context.</summary>
    UnblockTrap,

    /// <summary>SIGTRAP is blocked in this context.</summary>
    BlockTrap,
}
