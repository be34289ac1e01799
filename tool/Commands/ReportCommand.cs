using System.CommandLine;
using Ftrace.Tool.Output;
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
        var tail = new Option<long?>("--tail")
        {
            Description = "Only the last N lines; with --by-thread, of each thread",
            HelpName = "N",
            CustomParser = result => NumberParser.Parse(result, "--tail takes a number of lines"),
        };
        var utc = new Option<bool>("--utc") { Description = "Print times of day, UTC" };
        var noDemangle = new Option<bool>("--no-demangle") { Description = "Print C++ and Rust symbols as they are" };
        var noPager = new Option<bool>("--no-pager") { Description = "Do not start a pager ($FTRACE_PAGER, $PAGER, or less -FRX) on a terminal" };
        foreach (Option option in (Option[])[format, merge, byThread, tail, utc, noDemangle, noPager])
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
        var selection = new SelectionOptions(command);
        command.SetAction(result => input.Read(result, file =>
        {
            EventSelection selected = selection.Of(result, file);
            var options = new ReportOptions
            {
                Format = result.GetValue(format) switch
                {
                    "graph" => ReportFormat.Graph,
                    "function" => ReportFormat.Function,
                    _ => null,
                },
                ByThread = result.GetValue(byThread),
                Threads = selected.Threads,
                From = selected.From,
                To = selected.To,
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
}
