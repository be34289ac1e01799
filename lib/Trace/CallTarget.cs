namespace Ftrace.Trace;

/// <summary>What a traced call calls.</summary>
internal enum CallTarget
{
    /// <summary>The handlers of the ops.</summary>
    Handler,

    /// <summary>The function that <c>ftrace_update_ftrace_func()</c> has set, in place of each handler.</summary>
    TraceFunction,
}
