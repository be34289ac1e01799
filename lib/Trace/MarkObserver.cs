namespace Ftrace.Trace;

/// <summary>Who examines a thread's mark.</summary>
internal enum MarkObserver
{
    /// <summary>The thread itself, in a traced call.</summary>
    Self,

    /// <summary>Another thread, which has stopped it.</summary>
    Stopper,
}
