namespace Ftrace.Tool.Attach;

/// <summary>What waitpid(2) reports of a traced thread.</summary>
/// <param name="Kind">What it has done.</param>
/// <param name="Signal">The signal that is about to be delivered, or of the stop.</param>
/// <param name="Event">PTRACE_EVENT_STOP and others; 0: a signal is about to be delivered.</param>
internal readonly record struct ThreadStop(StopKind Kind, int Signal, int Event)
{
    private const int EventStop = 128; // PTRACE_EVENT_STOP

    /// <summary>It has stopped because it was asked to, or with its process.</summary>
    public bool IsRequested => Kind == StopKind.Stopped && Event == EventStop;

    /// <summary>It has stopped because its process was stopped by a signal.</summary>
    public bool IsGroupStop => IsRequested && Signal != SignalNumber.Trap;

    /// <summary>A signal is about to be delivered.</summary>
    public bool IsSignal => Kind == StopKind.Stopped && Event == 0;
}
