using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO.Enumeration;
using System.Linq;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace report</c>: the trace as text.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var command = new Command("report", "Print a trace as text, in the layouts of the kernel's tracers");
        var input = new TraceInput(command);
        var format = new Option<string>("--format") { Description = "The layout (graph, if exits were recorded)", HelpName = "graph|function" };
        format.AcceptOnlyFromAmong("graph", "function");
        var merge = new Option<bool>("--merge") { Description = "All threads, merged by time (this is the default)" };
        var byThread = new Option<bool>("--by-thread") { Description = "One thread after the other" };
        var tid = new Option<long[]>("--tid")
        {
            Description = "Only the threads with these ids",
            HelpName = "TID",
            CustomParser = result => NumberParser.ParseAll(result, "--tid takes the id of a thread"),
        };
        var thread = new Option<string[]>("--thread") { Description = "Only the threads with these names; * and ? are wildcards", HelpName = "NAME" };
        var range = new Option<string>("--range")
        {
            Description = "Only these times: seconds from the start of the recording, or UTC as 2026-01-31T12:00:00.5Z; either can be left out",
            HelpName = "FROM..TO",
        };
        var tail = new Option<long?>("--tail")
        {
            Description = "Only the last N lines; with --by-thread, of each thread",
            HelpName = "N",
            CustomParser = result => NumberParser.Parse(result, "--tail takes a number of lines"),
        };
        var utc = new Option<bool>("--utc") { Description = "Print times of day, UTC" };
        var noDemangle = new Option<bool>("--no-demangle") { Description = "Print C++ and Rust symbols as they are" };
        var noPager = new Option<bool>("--no-pager") { Description = "Do not start a pager ($FTRACE_PAGER, $PAGER, or less -FRX) on a terminal" };
        foreach (Option option in (Option[])[format, merge, byThread, tid, thread, range, tail, utc, noDemangle, noPager])
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(merge) && result.GetValue(byThread))
            {
                result.AddError("--merge and --by-thread exclude each other");
            }
        });
        range.Validators.Add(result =>
        {
            if (!TimeRange.TryParse(result.GetValueOrDefault<string>() ?? "", out _))
            {
                result.AddError("--range takes FROM..TO: seconds, or times as 2026-01-31T12:00:00.5Z");
            }
        });
        command.SetAction(result => input.Read(result, file =>
        {
            TimeRange.TryParse(result.GetValue(range) ?? "..", out TimeRange times);
            var options = new ReportOptions
            {
                Format = result.GetValue(format) switch
                {
                    "graph" => ReportFormat.Graph,
                    "function" => ReportFormat.Function,
                    _ => null,
                },
                ByThread = result.GetValue(byThread),
                Threads = Select(file, result.GetValue(tid) ?? [], result.GetValue(thread) ?? []),
                From = times.FromIn(file),
                To = times.ToIn(file),
                Tail = result.GetValue(tail),
                Utc = result.GetValue(utc),
                Mangled = result.GetValue(noDemangle),
                Colours = Terminal.HasColours,
            };
            using var pager = new Pager(!result.GetValue(noPager));
            Report.Write(file, options, pager.Stream);
            return ExitCode.Success;
        }));
        return command;
    }

    /// <summary>Null: all.</summary>
    private static List<TraceThread>? Select(TraceFile file, long[] ids, string[] names)
    {
        if (ids.Length == 0 && names.Length == 0)
        {
            return null;
        }

        var threads = file.Threads.Where(thread => ids.Contains(thread.Id) || names.Any(name => HasName(file, thread, name))).ToList();
        if (threads.Count != 0)
        {
            return threads;
        }

        const int MaxNamed = 20;
        IEnumerable<string> wanted = ids.Select(id => id.ToString(CultureInfo.InvariantCulture)).Concat(names);
        string has = string.Join(", ", file.Threads.Take(MaxNamed).Select(thread => TaskNames.Of(file, thread)));
        throw new CommandFailure($"{file.Path}: has no thread {string.Join(" or ", wanted)}; it has: {has}{(file.Threads.Count > MaxNamed ? " ..." : "")}");
    }

    private static bool HasName(TraceFile file, TraceThread thread, string pattern) =>
        FileSystemName.MatchesSimpleExpression(pattern, TaskNames.NameOf(file, thread), ignoreCase: false);
}
