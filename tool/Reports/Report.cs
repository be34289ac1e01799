using System.Collections.Generic;
using System.IO;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>Writes a trace as text, an event at a time.</summary>
internal static class Report
{
    /// <summary>So many events are looked at to find out how a trace was recorded.</summary>
    private const int MaxLookedAt = 1000;

    public static void Write(TraceFile file, ReportOptions options, Stream stream)
    {
        ReportFormat format = FormatOf(file, out bool isEmpty);
        format = options.Format ?? format;
        using var header = new Utf8Output(stream);
        ReportHeader.Write(header, file, format);
        if (isEmpty)
        {
            ReportHeader.WriteHint(header, file);
            return;
        }

        TailStream? tail = options.Tail is { } lines ? new TailStream(stream, lines) : null;
        using var output = new Utf8Output(tail ?? stream);
        IReportLayout layout = LayoutOf(format, new ReportWriter(file, options, output));
        layout.WriteTitle(header);
        header.Flush();
        IReadOnlyList<TraceThread> threads = options.Threads ?? file.Threads;
        if (!options.ByThread)
        {
            WriteEvents(layout, file, options, threads);
            output.Flush();
            tail?.Finish();
            return;
        }

        foreach (TraceThread thread in threads)
        {
            if (thread.Blocks.Count == 0)
            {
                continue;
            }

            header.Write("#\n# "u8).Write(TaskNames.Of(file, thread)).Line();
            header.Flush();
            WriteEvents(layout, file, options, [thread]);
            output.Flush();
            tail?.Finish();
        }
    }

    private static IReportLayout LayoutOf(ReportFormat format, ReportWriter writer) =>
        format == ReportFormat.Graph ? new GraphLayout(writer) : new FunctionLayout(writer);

    private static void WriteEvents(IReportLayout layout, TraceFile file, ReportOptions options, IReadOnlyList<TraceThread> threads)
    {
        using MergedEvents events = file.ReadMerged(threads);
        while (events.Next() && events.Current.Time <= options.To)
        {
            layout.Add(events);
        }

        layout.Finish();
    }

    /// <summary>A trace with entries and exits is shown as a graph, one without as a list.</summary>
    private static ReportFormat FormatOf(TraceFile file, out bool isEmpty)
    {
        isEmpty = true;
        using MergedEvents events = file.ReadMerged();
        for (int i = 0; i < MaxLookedAt && events.Next(); i++)
        {
            isEmpty = false;
            if (events.Current.Kind <= EventKind.Tail)
            {
                return ReportFormat.Graph;
            }
        }

        return isEmpty ? ReportFormat.Graph : ReportFormat.Function;
    }
}
