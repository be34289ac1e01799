using System;
using System.CommandLine;
using System.Globalization;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace graph</c>: the call tree.</summary>
internal static class GraphCommand
{
    public static Command Create()
    {
        var command = new Command("graph", "Print the call tree, or who calls a function and what it calls");
        var function = new Argument<string?>("FUNCTION")
        {
            Description = """
                A function, or a pattern with * and ?: its callers, and what it calls. Without it, the tree of all calls.

                Calls of the same function by the same callers are one line. TOTAL is the time of a function with those that it called,
                SELF without them. A trace that has no calls, but samples, gives a tree of samples.
                """,
            Arity = ArgumentArity.ZeroOrOne,
        };
        command.Add(function);
        var input = new TraceInput(command, withArgument: false);
        var depth = new Option<int?>("--depth")
        {
            Description = "Print so many functions above each other",
            HelpName = "N",
            CustomParser = result => NumberParser.ParsePositive(result, "--depth takes a number of functions"),
        };
        var minPercent = new Option<string>("--min-percent")
        {
            Description = "Leave out what has less than P percent of the time",
            HelpName = "P",
            DefaultValueFactory = _ => "0.5",
        };
        minPercent.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !TryPercent(result.Tokens[0].Value, out _))
            {
                result.AddError($"--min-percent {result.Tokens[0].Value}: is not a percentage");
            }
        });
        command.Add(depth);
        command.Add(minPercent);
        var selection = new SelectionOptions(command);
        command.SetAction(result => input.Read(result, file =>
        {
            _ = TryPercent(result.GetValue(minPercent)!, out ulong hundredths);
            EventSelection selected = selection.Of(result, file);
            var options = new GraphOptions
            {
                IsAll = selected.IsAll,
                Function = result.GetValue(function),
                MaxDepth = result.GetValue(depth) ?? int.MaxValue,
                MinHundredths = hundredths,
                IsUtf8 = Terminal.IsUtf8,
            };
            Print(file, selected, options);
            return ExitCode.Success;
        }));
        return command;
    }

    private static void Print(TraceFile file, EventSelection selection, GraphOptions options)
    {
        CallGraph graph = Read(file, selection);
        using var pager = new Pager(true);
        using var output = new Utf8Output(pager.Stream);
        if (!GraphText.Write(output, file, graph, options))
        {
            string nearest = new FunctionName(options.Function!).Nearest(file.Symbols) is { } name ? $"; did you mean {name}?" : "";
            throw new CommandFailure($"{options.Function}: is not in {file.Path}{nearest}");
        }
    }

    private static CallGraph Read(TraceFile file, EventSelection selection)
    {
        using Progress progress = ReadingProgress.Of(file, selection);
        return CallGraph.Read(file, selection);
    }

    /// <summary>In hundredths of a percent.</summary>
    private static bool TryPercent(string text, out ulong hundredths)
    {
        bool isNumber = decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal percent) && percent <= 100;
        hundredths = isNumber ? (ulong)Math.Round(percent * 100) : 0;
        return isNumber;
    }
}
