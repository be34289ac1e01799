namespace Ftrace.Stop;

/// <summary>Why a stop failed, for <see cref="StopReport"/>.</summary>
internal enum StopObstacle
{
    None,

    /// <summary>A thread takes no signal, and cannot be seized.</summary>
    Refused,

    /// <summary>A thread was asked to stop, and did not.</summary>
    NoAnswer,

    /// <summary>The process has more threads than were found: threads are born, or end, all the time.</summary>
    Uncounted,

    /// <summary>/proc shows the ids of another pid namespace.</summary>
    ForeignProc,

    /// <summary>The signal that FTRACE_STOP_SIGNAL names cannot be used.</summary>
    SignalTaken,
}
