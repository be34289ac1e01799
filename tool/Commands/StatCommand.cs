using System;
using System.CommandLine;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace stat</c>: a line for each function.</summary>
internal static class StatCommand
{
    private const string Text = "text";
    private const string Csv = "csv";
    private const string Json = "json";

    public static Command Create()
    {
        var command = new Command("stat", """
            Print a table of functions: how often each was called, and for how long

            TOTAL is the time from entry to exit. Of a function that calls itself, the outermost calls count, so no time is in it twice.
            SELF is TOTAL without the time in traced functions that it called. AVG, MIN, MAX, P50 and P99 are of all calls, nested
            ones too. The error of P50 and P99 is below 1 %; they are exact below 128 ns, and for up to 32 calls. Calls whose entry or
            exit is not in the trace are counted, and have no time. CSV and JSON have nanoseconds.
            """);
        var input = new TraceInput(command);
        var sort = new Option<string>("--sort", "-s")
        {
            Description = "Sort by calls, total, self, avg, min, max, p50, p99 or name",
            HelpName = "FIELD",
            DefaultValueFactory = _ => "total",
        };
        sort.AcceptOnlyFromAmong("calls", "total", "self", "avg", "min", "max", "p50", "p99", "name");
        var top = new Option<int?>("--top", "--limit") { Description = "Print only the first N", HelpName = "N" };
        top.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out int number) || number < 1))
            {
                result.AddError($"--top {result.Tokens[0].Value}: is not a number of functions");
            }
        });
        var format = new Option<string>("--format")
        {
            Description = "text, csv or json",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => Text,
        };
        format.AcceptOnlyFromAmong(Text, Csv, Json);
        var byThread = new Option<bool>("--by-thread") { Description = "A line for each function in each thread" };
        foreach (Option option in (Option[])[sort, top, format, byThread])
        {
            command.Add(option);
        }

        command.SetAction(result => input.Read(result, file =>
        {
            using MergedEvents events = file.ReadMerged();
            StatTable table = StatTable.Read(file, events, result.GetValue(byThread));
            table.Sort(Enum.Parse<StatField>(result.GetValue(sort)!, ignoreCase: true));
            Print(table, file, result.GetValue(format)!, result.GetValue(top) ?? int.MaxValue);
            return ExitCode.Success;
        }));
        return command;
    }

    private static void Print(StatTable table, TraceFile file, string format, int limit)
    {
        using var pager = new Pager(format == Text);
        if (format == Json)
        {
            StatJson.Write(pager.Stream, table, file.Path, limit);
            return;
        }

        using var output = new Utf8Output(pager.Stream);
        if (format == Csv)
        {
            StatCsv.Write(output, table, limit);
            return;
        }

        StatText.Write(output, table, limit);
    }
}
