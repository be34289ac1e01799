using System.Collections.Generic;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// A line for each distinct stack: the functions, separated by semicolons, and the time in it, without that in callees, in nanoseconds.
/// For flamegraph.pl, inferno, speedscope and others.
/// </summary>
internal sealed class FoldedDump(TraceFile file, Utf8Output output, int maxNodes = TreeDump.DefaultMaxNodes) : TreeDump(file, maxNodes)
{
    protected override void Write(CallTree tree)
    {
        // Names by function, threads included: a name is in many lines.
        var names = new Dictionary<int, string>();
        var stack = new List<int>();
        for (int node = 1; node < tree.Count; node++)
        {
            if (tree[node].Self == 0)
            {
                continue;
            }

            stack.Clear();
            for (int frame = node; frame != CallTree.Root; frame = tree[frame].Caller)
            {
                stack.Add(frame);
            }

            for (int i = stack.Count - 1; i >= 0; i--)
            {
                ref CallNode frame = ref tree[stack[i]];
                if (!names.TryGetValue(frame.Function, out string? name))
                {
                    // The format has no way to write a semicolon.
                    name = NameOf(in frame).Replace(';', ':').Replace('\n', ' ').Replace('\r', ' ');
                    names.Add(frame.Function, name);
                }

                output.Write(name).Write(i == 0 ? " "u8 : ";"u8);
            }

            output.Write(tree[node].Self).Line();
        }
    }
}
