namespace Ftrace.Tool.Reading;

/// <summary>Takes calls from <see cref="CallTracker"/>.</summary>
internal interface ICallSink
{
    /// <summary>A call has begun. <see cref="CallTracker.Parent"/> and the like can be asked for its number, <see cref="TraceEvent.Call"/>.</summary>
    void OnBegin(in TraceEvent entry);

    /// <summary>A call has ended. Those that it made have ended before, except on stacks that were switched.</summary>
    void OnEnd(in FinishedCall call);
}
