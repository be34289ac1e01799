using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>A layout of lines.</summary>
internal interface IReportLayout
{
    /// <summary>Writes the names of the columns.</summary>
    void WriteTitle(Utf8Output output);

    /// <summary>Takes the current event of a trace.</summary>
    void Add(MergedEvents events);

    /// <summary>There are no more events. Others can follow, of other threads.</summary>
    void Finish();
}
