using System;
using System.Globalization;
using System.Linq;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The comments at the top of a report.</summary>
internal static class ReportHeader
{
    private const ulong Second = 1_000_000_000;

    public static void Write(Utf8Output output, TraceFile file, ReportFormat format)
    {
        output.Write(format == ReportFormat.Graph ? "# tracer: function_graph\n#\n"u8 : "# tracer: function\n#\n"u8);
        WriteProgram(output, file);
        output.Write("# process: "u8).Write(file.Process.Id);
        if (file.Process.HostName != "")
        {
            output.Write(" on "u8).Write(CleanText.Of(file.Process.HostName));
        }

        output.Write("\n# recorded: "u8);
        WriteTime(output, file);
        output.Write("\n# lost: "u8);
        WriteLost(output, file);
        output.Write("\n"u8);
        if (!file.Clock.IsRateKnown)
        {
            output.Write("# times: the file does not tell how fast the TSC is, so a tick is shown as a nanosecond\n"u8);
        }

        output.Write("#\n"u8);
    }

    /// <summary>What to check when a trace has no events.</summary>
    public static void WriteHint(Utf8Output output, TraceFile file)
    {
        output.Write("# The trace has no events. Was the program compiled with -fpatchable-function-entry=5 (GCC, Clang)?\n"u8);
        output.Write("# Did a filter (-f, -n) match none of its functions? Which can be traced, and why others cannot, says:\n"u8);
        string program = file.Process.Executable == "" ? "PROGRAM" : CleanText.Of(file.Process.Executable);
        output.Write("#     ftrace list "u8).Write(program).Line();
    }

    /// <summary>True if some events are missing, in the middle or without a buffer.</summary>
    public static bool HasLost(TraceFile file) => file.Lost != 0 || file.Threads.Any(thread => thread.MissingBlocks != 0);

    /// <summary>What was lost, as a phrase.</summary>
    public static void WriteLost(Utf8Output output, TraceFile file)
    {
        if (!HasLost(file))
        {
            output.Write("nothing"u8);
            return;
        }

        ulong inThreads = 0;
        string separator = "";
        foreach (TraceThread thread in file.Threads)
        {
            inThreads += thread.Lost;
            if (thread.Lost == 0 && thread.MissingBlocks == 0)
            {
                continue;
            }

            output.Write(separator);
            separator = ", ";
            if (thread.Lost != 0)
            {
                output.Write(thread.Lost).Write(" events"u8);
            }
            else
            {
                output.Write(thread.MissingBlocks).Write(" blocks"u8);
            }

            output.Write(" of "u8).Write(TaskNames.Of(file, thread));
        }

        if (file.Lost > inThreads)
        {
            output.Write(separator).Write(file.Lost - inThreads).Write(" events of threads without a buffer"u8);
        }
    }

    private static void WriteProgram(Utf8Output output, TraceFile file)
    {
        if (file.Process.Executable == "" && file.Process.Arguments.Count == 0)
        {
            return;
        }

        output.Write("# command:"u8);
        if (file.Process.Arguments.Count == 0)
        {
            output.Write((byte)' ').Write(CleanText.Of(file.Process.Executable));
        }

        foreach (string argument in file.Process.Arguments)
        {
            output.Write((byte)' ').Write(Quoted(CleanText.Of(argument)));
        }

        output.Line();
    }

    /// <summary>As a shell takes it.</summary>
    private static string Quoted(string argument)
    {
        bool isPlain = argument != "" && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=,:+@%".Contains(c, StringComparison.Ordinal));
        return isPlain ? argument : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
    }

    private static void WriteTime(Utf8Output output, TraceFile file)
    {
        ulong seconds = Math.Min(file.Header.Start.Realtime / Second, 253402300799);
        output.Write(DateTime.UnixEpoch.AddSeconds(seconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)).Write(" UTC"u8);
        if (file.Header is { State: TraceState.Finished or TraceState.Snapshot, End: { } end })
        {
            output.Write(", for "u8).WriteFixed(file.Clock.Between(file.Header.Start.Time, end.Time), Second, 6).Write(" s"u8);
        }

        output.Write(file.Header.State switch
        {
            TraceState.Recording => ", not finished"u8,
            TraceState.Snapshot => ", a snapshot"u8,
            TraceState.Ended => ", until the process ended"u8,
            _ => ""u8,
        });
    }
}
