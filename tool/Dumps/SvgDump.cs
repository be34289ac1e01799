using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// A flame graph that needs nothing but a browser. Where scripts do not run, in a document say, it is a picture with tooltips.
/// </summary>
/// <remarks>
/// The boxes of a stack are above each other, callers below; the width is time, and the order is that of names. The script gets its
/// numbers from attributes, so that there is one kind of quoting only.
/// </remarks>
internal sealed class SvgDump(TraceFile file, Utf8Output output, int maxNodes = TreeDump.DefaultMaxNodes, int maxBoxes = SvgDump.DefaultMaxBoxes)
    : TreeDump(file, maxNodes)
{
    /// <summary>A browser can handle these, and people cannot.</summary>
    private const int DefaultMaxBoxes = 20_000;

    private const int Width = 1200;
    private const int Margin = 10;
    private const int RowHeight = 17;
    private const int HeaderHeight = 92;
    private const int Colours = 12;

    /// <summary>Pixels of a character of the font, which has a fixed pitch.</summary>
    private const double CharacterWidth = 6.63;

    /// <summary>Narrower boxes are there, but not shown before somebody zooms in.</summary>
    private const double MinShown = 0.3;

    private CallTree _tree = null!;
    private ulong[] _totals = [];
    private ulong _least;
    private double _scale;
    private int _height;
    private string _header = "";

    protected override void Write(CallTree tree)
    {
        _tree = tree;
        _totals = tree.Totals();
        _scale = _totals[CallTree.Root] == 0 ? 0 : (Width - 2 * Margin) / (double)_totals[CallTree.Root];
        _least = LeastTotal();
        var children = new NodeList[tree.Count];
        int depth = 0;
        ulong leftOut = 0;
        ulong leftOutTime = 0;
        for (int node = tree.Count - 1; node > 0; node--)
        {
            int parent = tree[node].Caller;
            if (_totals[node] >= _least)
            {
                depth = Math.Max(depth, tree[node].Depth);
                children[node].Next = children[parent].First;
                children[parent].First = node;
                continue;
            }

            leftOut++;
            leftOutTime += _totals[parent] >= _least || parent == CallTree.Root ? _totals[node] : 0;
        }

        _height = HeaderHeight + (depth + 1) * RowHeight + Margin;
        WriteHead(leftOut, leftOutTime);
        WriteBoxes(children);
        output.Write("<script><![CDATA[\n"u8).Write(Resource("flamegraph.js")).Write("]]></script>\n</svg>\n"u8);
    }

    /// <summary>The total of the smallest box that is written.</summary>
    private ulong LeastTotal()
    {
        ulong least = Math.Max(1, _totals[CallTree.Root] / 200_000);
        if (_totals.Length > maxBoxes)
        {
            ulong[] sorted = [.. _totals];
            Array.Sort(sorted);
            least = Math.Max(least, sorted[^(maxBoxes + 1)] + 1);
        }

        return least;
    }

    private void WriteHead(ulong leftOut, ulong leftOutTime)
    {
        string command = File.Process.Arguments.Count == 0 ? ThreadNames.Process(File) : string.Join(' ', File.Process.Arguments);
        ulong total = _totals[CallTree.Root];
        string empty = total == 0 ? "; nothing was recorded" : "";
        string missing = leftOut == 0 ? "" : $"; {Number(leftOut)} small boxes left out, {Percent(leftOutTime, total)}";
        missing += LeftOut == 0 ? "" : $"; {Number(LeftOut)} calls counted in their callers, too many stacks";
        missing += HasHiddenCalls ? "; it begins in the middle, what was before is overwritten" : "";
        missing += File.Lost == 0 ? "" : $"; {Number(File.Lost)} events lost";
        output.Write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"u8);
        output.Write(Format($"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{_height}" viewBox="0 0 {Width} {_height}" data-unit="{Unit}" data-total="{total}">
            <title>{TextEscape.Xml(command)}</title>
            <style><![CDATA[

            """));
        output.Write(Resource("flamegraph.css"));
        output.Write(Format($"""
            ]]></style>
            <rect id="page" width="100%" height="100%"/>
            <g id="boxes">

            """));
        _header = Format($"""
            </g>
            <g id="bar">
            <rect width="100%" height="{HeaderHeight - 6}"/>
            <text id="title" x="{Margin}" y="24">{TextEscape.Xml(Shorten(command, 90))}</text>
            <text id="details" x="{Margin}" y="46">{Amount(total)} in all{empty}{missing}</text>
            </g>

            """);
    }

    private void WriteBoxes(NodeList[] children)
    {
        if (_totals[CallTree.Root] != 0)
        {
            // Depth first, in the order of names: the script finds parents by it.
            var open = new Stack<(int Node, ulong Start)>();
            open.Push((CallTree.Root, 0));
            var sorted = new List<(string Name, int Node)>();
            while (open.TryPop(out (int Node, ulong Start) box))
            {
                WriteBox(box.Node, box.Start);
                sorted.Clear();
                for (int child = children[box.Node].First; child != 0; child = children[child].Next)
                {
                    sorted.Add((NameOf(in _tree[child]), child));
                }

                sorted.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name) is int order && order != 0 ? order : a.Node.CompareTo(b.Node));
                ulong start = box.Start;
                foreach ((_, int child) in sorted)
                {
                    start += _totals[child];
                }

                for (int i = sorted.Count - 1; i >= 0; i--)
                {
                    start -= _totals[sorted[i].Node];
                    open.Push((sorted[i].Node, start));
                }
            }
        }

        output.Write(_header);
    }

    private void WriteBox(int node, ulong start)
    {
        ref CallNode frame = ref _tree[node];
        string name = node == CallTree.Root ? "all" : NameOf(in frame);
        double x = Margin + start * _scale;
        double width = _totals[node] * _scale;
        int y = _height - Margin - (frame.Depth + 1) * RowHeight;
        string hidden = width < MinShown ? " style=\"display:none\"" : "";
        string calls = frame.Calls == 0 ? "" : $", {Number(frame.Calls)} {(frame.Calls == 1 ? "call" : "calls")}";
        string escaped = TextEscape.Xml(name);
        output.Write(Format($"""
            <g class="b c{ColourOf(name)}" data-n="{escaped}" data-d="{frame.Depth}" data-x="{start}" data-t="{_totals[node]}" data-s="{frame.Self}" data-c="{frame.Calls}"{hidden}>
            """));
        output.Write(Format($"<title>{escaped}: {Amount(_totals[node])}, {Percent(_totals[node], _totals[CallTree.Root])}"));
        output.Write(Format($"; self {Amount(frame.Self)}, {Percent(frame.Self, _totals[CallTree.Root])}{calls}</title>"));
        output.Write(Format($"<rect x=\"{x:0.##}\" y=\"{y}\" width=\"{width:0.##}\" height=\"{RowHeight - 1}\" rx=\"2\"/>"));
        output.Write(Format($"<text x=\"{x + 3:0.##}\" y=\"{y + 12}\">{TextEscape.Xml(Shorten(name, (int)((width - 6) / CharacterWidth)))}</text></g>\n"));
    }

    /// <summary>A colour that a name has in every graph.</summary>
    private static uint ColourOf(string name)
    {
        uint hash = 2166136261;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (hash ^ hash >> 15) % Colours;
    }

    private static string Shorten(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        if (length < 3)
        {
            return "";
        }

        length -= char.IsHighSurrogate(text[length - 2]) ? 2 : 1;
        return text[..length] + "…";
    }

    private string Amount(ulong amount)
    {
        if (Unit != "ns")
        {
            return $"{Number(amount)} {Unit}";
        }

        return amount switch
        {
            < 1_000 => Format($"{amount} ns"),
            < 1_000_000 => Format($"{amount / 1e3:0.000} µs"),
            < 1_000_000_000 => Format($"{amount / 1e6:0.000} ms"),
            _ => Format($"{amount / 1e9:0.000} s"),
        };
    }

    private static string Number(ulong number) => Format($"{number}");

    private static string Percent(ulong part, ulong total) => total == 0 ? "0 %" : Format($"{100.0 * part / total:0.##} %");

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static byte[] Resource(string name)
    {
        using Stream stream = typeof(SvgDump).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException(name);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The children of a node; 0: none.</summary>
    private struct NodeList
    {
        public int First;
        public int Next;
    }
}
