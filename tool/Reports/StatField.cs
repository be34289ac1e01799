namespace Ftrace.Tool.Reports;

/// <summary>A column of <c>ftrace stat</c>, to sort by.</summary>
internal enum StatField
{
    Total,
    Self,
    Calls,
    Avg,
    Min,
    Max,
    P50,
    P99,
    Name,
}
