using System;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary><c>ftrace graph</c> as text.</summary>
internal static class GraphText
{
    /// <summary>False: the function is not in the trace, and nothing was written.</summary>
    public static bool Write(Utf8Output output, TraceFile file, CallGraph graph, GraphOptions options)
    {
        if (graph.Tree.Count == 1)
        {
            EmptyHint.Write(output, file, options.IsAll);
            return options.Function == null;
        }

        if (options.Function == null)
        {
            ulong[] totals = graph.Tree.Totals();
            var text = NewText(output, file, graph.Tree, totals, graph.Unit, options, false);
            text.Write(totals[CallTree.Root]);
            WriteHidden(output, text, options);
        }
        else if (!WriteFunction(output, file, graph, options))
        {
            return false;
        }

        WriteNotes(output, file, graph);
        return true;
    }

    private static bool WriteFunction(Utf8Output output, TraceFile file, CallGraph graph, GraphOptions options)
    {
        var name = new FunctionName(options.Function!);
        bool[] wanted = new bool[file.Symbols.Count];
        for (int function = 0; function < wanted.Length; function++)
        {
            wanted[function] = name.Matches(file.Symbols, function);
        }

        var butterfly = new Butterfly(graph.Tree, function => wanted[function], options.MaxDepth);
        ulong[] totals = butterfly.Callees.Totals();
        if (butterfly.Callees.Count == 1)
        {
            return false;
        }

        output.Write("Callers:\n"u8);
        ulong[] callers = new ulong[butterfly.Callers.Count];
        for (int node = 0; node < callers.Length; node++)
        {
            callers[node] = butterfly.Callers[node].Self;
        }

        var text = NewText(output, file, butterfly.Callers, callers, graph.Unit, options, true);
        text.Write(totals[CallTree.Root]);
        WriteHidden(output, text, options);
        output.Write("\nCallees:\n"u8);
        text = NewText(output, file, butterfly.Callees, totals, graph.Unit, options, false);
        text.Write(totals[CallTree.Root]);
        WriteHidden(output, text, options);
        return true;
    }

    private static CallTreeText NewText(
        Utf8Output output, TraceFile file, CallTree tree, ulong[] totals, CallGraphUnit unit, GraphOptions options, bool isCallers) =>
        new(output, file.Symbols, tree, totals, unit)
        {
            IsUtf8 = options.IsUtf8,
            MaxDepth = options.MaxDepth,
            MinHundredths = options.MinHundredths,
            IsWithoutSelf = isCallers,
        };

    private static void WriteHidden(Utf8Output output, CallTreeText text, GraphOptions options)
    {
        if (text.Hidden != 0)
        {
            output.Write("# functions with less than "u8).WriteFixed(options.MinHundredths, 100, 2)
                .Write(" % that are not shown, nor what they call: "u8).Write((ulong)text.Hidden).Write("; --min-percent 0 shows all\n"u8);
        }

        Note(output, (ulong)text.TooDeep, "functions whose callees are too deep to be shown"u8, "; see --depth"u8);
    }

    private static void WriteNotes(Utf8Output output, TraceFile file, CallGraph graph)
    {
        Note(output, graph.WithoutEntry, "calls without an entry in the trace"u8, ". They are counted, and have no time."u8);
        Note(output, graph.WithoutExit, "calls without an exit in the trace"u8, ". They are counted, and have no time."u8);
        Note(output, graph.LeftOut, "calls without a line, of too many different stacks, or too deep ones"u8, ". Their time is in SELF of their callers."u8);
        Note(output, Math.Max(file.Lost, graph.Lost), "units lost"u8, ". An entry or an exit is one."u8);
    }

    private static void Note(Utf8Output output, ulong number, ReadOnlySpan<byte> what, ReadOnlySpan<byte> then)
    {
        if (number != 0)
        {
            output.Write("# "u8).Write(what).Write(": "u8).Write(number).Write(then).Line();
        }
    }
}
