namespace Ftrace.Trace;

/// <summary>Which functions of an object an ops wants.</summary>
internal enum Selection
{
    None,

    /// <summary>The rules have to be applied to each function.</summary>
    Some,
    All,
}
