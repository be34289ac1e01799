namespace Ftrace.Trace;

/// <summary>What a rule of an ops selects.</summary>
internal enum RuleKind : byte
{
    /// <summary>Functions to trace, by name.</summary>
    Filter,

    /// <summary>Functions to leave out, by name.</summary>
    Notrace,

    /// <summary>A function to trace, by address.</summary>
    Ip,
}
