using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>A layout of lines.</summary>
internal interface IReportLayout
{
    /// <summary>Writes the names of the columns.</summary>
    void WriteTitle();

    /// <summary>Begins with other threads: calls from before are forgotten.</summary>
    void Begin();

    /// <summary>Takes the current event of a trace.</summary>
    void Add(MergedEvents events);

    /// <summary>There are no more events.</summary>
    void Finish();
}
