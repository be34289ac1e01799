using System;

namespace Ftrace.Tool.Reports;

/// <summary>The callers and the callees of some functions, all the places of a call tree where they are put together.</summary>
internal sealed class Butterfly
{
    /// <summary>Callers above each other.</summary>
    private const int MaxCallers = 64;
    private const int MaxNodes = 250_000;

    /// <param name="tree">The whole tree.</param>
    /// <param name="isWanted">Says of a function whether it is one of them.</param>
    /// <param name="maxCallers">How many callers above each other.</param>
    public Butterfly(CallTree tree, Func<int, bool> isWanted, int maxCallers)
    {
        maxCallers = Math.Min(maxCallers, MaxCallers);
        ulong[] totals = tree.Totals();

        // Of the node in the tree of callees; -1: it is not below a wanted function.
        int[] copies = new int[tree.Count];
        copies[CallTree.Root] = -1;
        for (int node = CallTree.Root + 1; node < tree.Count; node++)
        {
            ref CallNode from = ref tree[node];
            int caller = copies[from.Caller];
            bool wanted = isWanted(from.Function);
            bool isOutermost = wanted && caller < 0;
            copies[node] = -1;
            if (isOutermost)
            {
                copies[node] = Callees.Callee(CallTree.Root, from.Function);
            }
            else if (caller >= 0)
            {
                copies[node] = Callees.Callee(caller, from.Function);
            }

            if (copies[node] >= 0)
            {
                Callees[copies[node]].Self += from.Self;
                Callees[copies[node]].Calls += from.Calls;
            }

            if (wanted)
            {
                AddCallers(tree, node, isOutermost ? totals[node] : 0, maxCallers);
            }
        }
    }

    /// <summary>Below each function what it called.</summary>
    public CallTree Callees { get; } = new(MaxNodes);

    /// <summary>Below each function who called it. <see cref="CallNode.Self"/> is the time, and the calls, of the function itself for these callers.</summary>
    public CallTree Callers { get; } = new(MaxNodes);

    private void AddCallers(CallTree tree, int node, ulong total, int maxCallers)
    {
        ulong calls = tree[node].Calls;
        int place = CallTree.Root;
        for (int i = 0; i <= maxCallers && node != CallTree.Root && place >= 0; i++, node = tree[node].Caller)
        {
            place = Callers.Callee(place, tree[node].Function);
            if (place >= 0)
            {
                Callers[place].Self += total;
                Callers[place].Calls += calls;
            }
        }
    }
}
