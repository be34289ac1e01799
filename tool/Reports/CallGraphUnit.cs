namespace Ftrace.Tool.Reports;

/// <summary>What a call tree counts.</summary>
internal enum CallGraphUnit
{
    Nanoseconds,
    Samples,
    Entries,
}
