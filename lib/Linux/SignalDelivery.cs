namespace Ftrace.Linux;

/// <summary>How a thread takes the stop signal, as far as the system says.</summary>
internal enum SignalDelivery
{
    /// <summary>In its handler, at once.</summary>
    Immediate,

    /// <summary>
    /// It has the signal not blocked, and does not sleep: it takes it, unless it is in the kernel at this moment, on its way into sigwait().
    /// </summary>
    IfRunning,

    /// <summary>It has the signal blocked.</summary>
    Blocked,

    /// <summary>
    /// It has every signal blocked, those of the C library too: it is being born or ends, for a moment, or is a thread of the C library's.
    /// </summary>
    AllBlocked,

    /// <summary>Not at all: it has ended, but is still listed.</summary>
    Ended,

    /// <summary>It waits for signals with sigwait(), and may take this one for the host's.</summary>
    Awaited,
}
