namespace Ftrace.Linux;

/// <summary>A queue of pending signals, as PTRACE_PEEKSIGINFO knows them.</summary>
internal enum SignalQueue : uint
{
    /// <summary>The thread's own.</summary>
    Thread = 0,

    /// <summary>That of the whole process: PTRACE_PEEKSIGINFO_SHARED.</summary>
    Process = 1,
}
