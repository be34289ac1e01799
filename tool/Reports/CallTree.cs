using System;
using System.Numerics;

namespace Ftrace.Tool.Reports;

/// <summary>A tree of functions by who called whom. Nodes are numbers; a caller's is lower than those of its callees.</summary>
internal sealed class CallTree
{
    /// <summary>The node above all, without a function.</summary>
    public const int Root = 0;

    /// <summary>50 MB, and twice that while it grows.</summary>
    public const int DefaultMaxNodes = 1_000_000;

    /// <summary>Of recursions without end.</summary>
    public const int MaxDepth = 1000;

    private const int None = -1;

    private readonly int _maxNodes;
    private CallNode[] _nodes = new CallNode[1024];

    /// <summary>Nodes by caller and function: open addressing, at most half full.</summary>
    private int[] _table = NewTable(4096);

    public CallTree(int maxNodes = DefaultMaxNodes)
    {
        _maxNodes = maxNodes;
        _nodes[Root] = new CallNode { Caller = None, LastCallee = None, Function = None };
        Count = 1;
    }

    public int Count { get; private set; }

    /// <summary>How often a function had no node, because there were too many, or too deep ones.</summary>
    public ulong LeftOut { get; private set; }

    public ref CallNode this[int node] => ref _nodes[node];

    /// <summary>The node of a function called by another node. -1: there are too many, or too deep ones.</summary>
    public int Callee(int caller, int function)
    {
        int last = _nodes[caller].LastCallee;
        if (last != None && _nodes[last].Function == function)
        {
            return last;
        }

        int place = Place(caller, function);
        int node = _table[place];
        if (node == None)
        {
            if (Count == _maxNodes || _nodes[caller].Depth == MaxDepth)
            {
                LeftOut++;
                return None;
            }

            node = Add(caller, function);
            _table[place] = node;
            GrowTable();
        }

        _nodes[caller].LastCallee = node;
        return node;
    }

    /// <summary>The weight of each node and those below it.</summary>
    public ulong[] Totals()
    {
        ulong[] totals = new ulong[Count];
        for (int node = Count - 1; node > Root; node--)
        {
            totals[node] += _nodes[node].Self;
            totals[_nodes[node].Caller] += totals[node];
        }

        return totals;
    }

    private int Add(int caller, int function)
    {
        if (Count == _nodes.Length)
        {
            Array.Resize(ref _nodes, Math.Min(Count * 2, _maxNodes));
        }

        _nodes[Count] = new CallNode { Caller = caller, LastCallee = None, Function = function, Depth = _nodes[caller].Depth + 1 };
        return Count++;
    }

    private void GrowTable()
    {
        if (Count * 2 <= _table.Length)
        {
            return;
        }

        _table = NewTable(_table.Length * 2);
        for (int node = Root + 1; node < Count; node++)
        {
            _table[Place(_nodes[node].Caller, _nodes[node].Function)] = node;
        }
    }

    private int Place(int caller, int function)
    {
        ulong hash = ((ulong)(uint)caller << 32 | (uint)function) * 0x9E3779B97F4A7C15;
        int place = (int)(hash >> (64 - BitOperations.Log2((uint)_table.Length)));
        while (_table[place] is int node && node != None && (_nodes[node].Caller != caller || _nodes[node].Function != function))
        {
            place = (place + 1) & (_table.Length - 1);
        }

        return place;
    }

    private static int[] NewTable(int length)
    {
        int[] table = new int[length];
        Array.Fill(table, None);
        return table;
    }
}
