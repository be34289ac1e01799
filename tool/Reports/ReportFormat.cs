namespace Ftrace.Tool.Reports;

/// <summary>The layout of a report.</summary>
internal enum ReportFormat
{
    /// <summary>That of the kernel's <c>function_graph</c>.</summary>
    Graph,

    /// <summary>That of the kernel's <c>function</c>.</summary>
    Function,
}
