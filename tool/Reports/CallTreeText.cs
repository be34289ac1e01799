using System;
using System.Collections.Generic;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>Writes a call tree as text, with lines from callers to callees.</summary>
/// <param name="output">Where to.</param>
/// <param name="symbols">The names.</param>
/// <param name="tree">The tree.</param>
/// <param name="totals">Of the nodes, and those below each.</param>
/// <param name="unit">Of the totals.</param>
internal sealed class CallTreeText(Utf8Output output, Symbols symbols, CallTree tree, ulong[] totals, CallGraphUnit unit)
{
    private const int CountWidth = 10;
    private const int PercentWidth = 7;

    private readonly int[] _firstCallee = new int[tree.Count];
    private readonly int[] _nextCallee = new int[tree.Count];
    private readonly List<int> _callees = [];

    /// <summary>Lines of drawing characters; else of ASCII.</summary>
    public bool IsUtf8 { get; init; }

    /// <summary>Functions above each other.</summary>
    public int MaxDepth { get; init; } = int.MaxValue;

    /// <summary>Hundredths of a percent that a node must have.</summary>
    public ulong MinHundredths { get; init; }

    /// <summary>Without what functions have themselves: of a tree of callers.</summary>
    public bool IsWithoutSelf { get; init; }

    /// <summary>Nodes that were not written because they have too few percent.</summary>
    public int Hidden { get; private set; }

    /// <summary>Nodes that were not written because they are too deep.</summary>
    public int TooDeep { get; private set; }

    private bool HasTimes => unit == CallGraphUnit.Nanoseconds;

    public void Write(ulong whole)
    {
        output.Write(" TOTAL%  "u8).Write(HasTimes ? "     TOTAL  "u8 : []);
        if (!IsWithoutSelf)
        {
            output.Write(HasTimes ? "      SELF  "u8 : "      SELF  "u8);
        }

        output.Write(unit == CallGraphUnit.Samples ? "   SAMPLES  "u8 : "     CALLS  "u8).Write("FUNCTION\n"u8);
        LinkCallees();
        var lines = new List<bool>();
        var rest = new Stack<Queue<int>>();
        rest.Push(Shown(CallTree.Root, whole));
        while (rest.TryPeek(out Queue<int>? siblings))
        {
            if (!siblings.TryDequeue(out int node))
            {
                rest.Pop();
                if (lines.Count != 0)
                {
                    lines.RemoveAt(lines.Count - 1);
                }

                continue;
            }

            WriteNumbers(node, whole);
            bool isLast = siblings.Count == 0;
            WriteLines(lines, isLast);
            output.Write(symbols.Name(tree[node].Function)).Line();
            lines.Add(!isLast);
            rest.Push(tree[node].Depth < MaxDepth ? Shown(node, whole) : Cut(node));
        }
    }

    /// <summary>Links the callees of each node.</summary>
    private void LinkCallees()
    {
        for (int node = tree.Count - 1; node > CallTree.Root; node--)
        {
            int caller = tree[node].Caller;
            _nextCallee[node] = _firstCallee[caller];
            _firstCallee[caller] = node;
        }
    }

    /// <summary>The callees to write, the largest first.</summary>
    private Queue<int> Shown(int node, ulong whole)
    {
        _callees.Clear();
        for (int callee = _firstCallee[node]; callee != 0; callee = _nextCallee[callee])
        {
            if (Percents.Hundredths(totals[callee], whole) >= MinHundredths)
            {
                _callees.Add(callee);
            }
            else
            {
                Hidden++;
            }
        }

        _callees.Sort((a, b) =>
        {
            int order = totals[b].CompareTo(totals[a]);
            order = order != 0 ? order : tree[b].Calls.CompareTo(tree[a].Calls);
            order = order != 0 ? order : symbols.Name(tree[a].Function).SequenceCompareTo(symbols.Name(tree[b].Function));
            return order != 0 ? order : a.CompareTo(b);
        });
        return new Queue<int>(_callees);
    }

    private Queue<int> Cut(int node)
    {
        TooDeep += _firstCallee[node] != 0 ? 1 : 0;
        return new Queue<int>();
    }

    private void WriteNumbers(int node, ulong whole)
    {
        output.WriteFixed(Percents.Hundredths(totals[node], whole), 100, 2, PercentWidth).Write("  "u8);
        if (HasTimes)
        {
            Durations.Write(output, totals[node]);
            output.Write("  "u8);
        }

        if (!IsWithoutSelf)
        {
            if (HasTimes)
            {
                Durations.Write(output, tree[node].Self);
            }
            else
            {
                output.Write(tree[node].Self, CountWidth);
            }

            output.Write("  "u8);
        }

        output.Write(HasTimes || IsWithoutSelf ? tree[node].Calls : totals[node], CountWidth).Write("  "u8);
    }

    private void WriteLines(List<bool> lines, bool isLast)
    {
        // Those at the left have no line to a common caller.
        for (int i = 1; i < lines.Count; i++)
        {
            output.Write(lines[i] ? Vertical : "   "u8);
        }

        if (lines.Count != 0)
        {
            output.Write(isLast ? Corner : Branch);
        }
    }

    private ReadOnlySpan<byte> Vertical => IsUtf8 ? "│  "u8 : "|  "u8;

    private ReadOnlySpan<byte> Branch => IsUtf8 ? "├─ "u8 : "|- "u8;

    private ReadOnlySpan<byte> Corner => IsUtf8 ? "└─ "u8 : "`- "u8;
}
