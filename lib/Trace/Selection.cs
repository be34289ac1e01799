namespace Ftrace.Trace;

/// <summary>Which functions of an object an ops wants.</summary>
internal enum Selection
{
    None,

    /// <summary>Each has to be asked.</summary>
    Some,
    All,
}
