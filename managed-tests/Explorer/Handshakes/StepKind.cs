namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>What a context does next.</summary>
internal enum StepKind : byte
{
    /// <summary>The program has ended.</summary>
    Done,

    /// <summary>Load: own store buffer first, then memory.</summary>
    Read,

    /// <summary>Store: goes into the store buffer.</summary>
    Write,

    /// <summary>Increment without a lock: a signal on the same thread does not split it.</summary>
    Inc,

    /// <summary>Locked exchange; needs an empty store buffer, as all that is locked.</summary>
    Xchg,

    /// <summary>Locked compare-exchange.</summary>
    Cmpxchg,

    /// <summary>Full barrier: drains the store buffer.</summary>
    Barrier,

    /// <summary>A membarrier reaches another thread: drains its store buffer.</summary>
    Membarrier,

    /// <summary>Waits until something that was read since the last wait has changed: until then each turn of the loop would see the same.</summary>
    Relax,

    /// <summary>Sleeps if a word has a value, until it is woken. The kernel's locks drain the store buffer.</summary>
    FutexWait,

    /// <summary>Wakes all that sleep on a word.</summary>
    FutexWake,

    /// <summary>Sends a thread a signal.</summary>
    Send,

    /// <summary>Is a signal pending for a thread?</summary>
    IsPending,

    /// <summary>Has a thread ended?</summary>
    HasEnded,

    /// <summary>The thread ends.</summary>
    Exit,

    /// <summary>Something of the program's own that takes a while.</summary>
    Pause,

    /// <summary>Something that a rule is about; takes no time.</summary>
    Event,
}
