using System;
using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.Floors;

/// <summary>Who may know whom: each namespace those of the rows below its own, and nobody else.</summary>
internal sealed class FloorOrder
{
    private readonly Dictionary<string, int> _rows = [];

    /// <param name="rows">From the top. Namespaces of a row do not know each other.</param>
    public FloorOrder(params string[][] rows)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            Array.ForEach(rows[row], name => _rows.Add(name, row));
        }
    }

    /// <summary>The library's.</summary>
    public static FloorOrder Shipped { get; } = new(
        ["Ftrace.Exports"],
        ["Ftrace.Record"],
        ["Ftrace.Trace"],
        ["Ftrace.JumpLabel"],
        ["Ftrace.Patch"],
        ["Ftrace.Objects"],
        ["Ftrace.Stop", "Ftrace.Breakpoint"],
        ["Ftrace.Nmi"],
        ["Ftrace.Text"],
        ["Ftrace.Names", "Ftrace.Elf"],
        ["Ftrace.Protocol", "Ftrace.X86"],
        ["Ftrace.Linux"],
        ["Ftrace"]) // attributes
    {
        Alone = ["Ftrace.Protocol"],
    };

    /// <summary>The command's.</summary>
    public static FloorOrder Tool { get; } = new(
        ["Ftrace.Tool"],
        ["Ftrace.Tool.Commands"],
        ["Ftrace.Tool.Attach"],
        ["Ftrace.Tool.Control"],
        ["Ftrace.Tool.Recording"],
        ["Ftrace.Tool.Dumps"],
        ["Ftrace.Tool.Reports"],
        ["Ftrace.Tool.Output", "Ftrace.Tool.Reading"]);

    /// <summary>Those that know nothing but the lowest row, although there are others below.</summary>
    public IReadOnlyList<string> Alone { get; init; } = [];

    public IEnumerable<string> Namespaces => _rows.Keys;

    public bool Allows(FloorEdge edge) =>
        _rows.TryGetValue(edge.From, out int from) && _rows.TryGetValue(edge.To, out int to)
        && from < to && (!Alone.Contains(edge.From) || to == _rows.Values.Max());

    /// <summary>Why an edge is not allowed.</summary>
    public string Explain(FloorEdge edge)
    {
        if (Allows(edge))
        {
            return $"{edge} (allowed)";
        }

        bool known = _rows.TryGetValue(edge.From, out int from) & _rows.TryGetValue(edge.To, out int to);
        string why = !known ? "there is no such floor" : from > to ? "upwards" : from == to ? "beside it" : "it is to know nobody";
        return $"{edge} ({why})";
    }
}
