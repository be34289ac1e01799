namespace Ftrace.Linux;

/// <summary>Whether a thread would take the stop signal, as far as the system shows it.</summary>
internal enum SignalDelivery
{
    /// <summary>It is delivered at once.</summary>
    Immediate,

    /// <summary>
    /// The thread does not block the signal, and does not sleep: it is delivered, unless the thread is on its way into sigwait() at this moment.
    /// </summary>
    IfRunning,

    /// <summary>The thread blocks the signal.</summary>
    Blocked,

    /// <summary>
    /// The thread blocks every signal, those of the C library too: it is being born or is ending, or it is a thread of the C library's.
    /// </summary>
    AllBlocked,

    /// <summary>The thread has ended, but is still listed.</summary>
    Ended,

    /// <summary>The thread waits for this signal with sigwait() or the like, and the host would receive it.</summary>
    Awaited,
}
