using System;
using System.Numerics;

namespace Ftrace.Tool.Dumps;

/// <summary>The distinct stacks of a trace, as a tree, with what was spent in each. Nodes are numbers; a parent has a lower one.</summary>
internal sealed class StackTree
{
    /// <summary>The node without a function that all stacks begin at.</summary>
    public const int Root = 0;

    /// <summary>100 MB. What is in further stacks is counted for the callers that have a node.</summary>
    public const int DefaultMaxNodes = 2_000_000;

    /// <summary>Of recursions without end; also, a line of text has the whole stack.</summary>
    public const int MaxDepth = 1000;

    private const int NoNode = -1;

    private readonly int _maxNodes;
    private Node[] _nodes = new Node[1024];

    /// <summary>Nodes by parent and function: open addressing, at most half full.</summary>
    private int[] _table = NewTable(4096);

    public StackTree(int maxNodes = DefaultMaxNodes)
    {
        _maxNodes = maxNodes;
        _nodes[Root].Parent = NoNode;
        _nodes[Root].LastChild = NoNode;
        Count = 1;
    }

    public int Count { get; private set; }

    /// <summary>Calls that have no node of their own, because there were too many, or too deep ones.</summary>
    public ulong LeftOut { get; private set; }

    public ref Node this[int node] => ref _nodes[node];

    /// <summary>The node of a function that is called from another node. -1: there are too many.</summary>
    public int Child(int parent, int function)
    {
        int last = _nodes[parent].LastChild;
        if (last != NoNode && _nodes[last].Function == function)
        {
            return last;
        }

        int place = Place(parent, function);
        int node = _table[place];
        if (node == NoNode)
        {
            if (Count == _maxNodes || _nodes[parent].Depth == MaxDepth)
            {
                LeftOut++;
                return NoNode;
            }

            node = Add(parent, function);
            _table[place] = node;
            GrowTable();
        }

        _nodes[parent].LastChild = node;
        return node;
    }

    /// <summary>Adds up what nodes have themselves and in those above them.</summary>
    public ulong[] Totals()
    {
        ulong[] totals = new ulong[Count];
        for (int node = Count - 1; node >= 0; node--)
        {
            totals[node] += _nodes[node].Self;
            if (node != Root)
            {
                totals[_nodes[node].Parent] += totals[node];
            }
        }

        return totals;
    }

    private int Add(int parent, int function)
    {
        if (Count == _nodes.Length)
        {
            Array.Resize(ref _nodes, Math.Min(Count * 2, _maxNodes));
        }

        ref Node added = ref _nodes[Count];
        added.Parent = parent;
        added.Function = function;
        added.LastChild = NoNode;
        added.Depth = _nodes[parent].Depth + 1;
        return Count++;
    }

    private void GrowTable()
    {
        if (Count * 2 <= _table.Length)
        {
            return;
        }

        _table = NewTable(_table.Length * 2);
        for (int node = 1; node < Count; node++)
        {
            _table[Place(_nodes[node].Parent, _nodes[node].Function)] = node;
        }
    }

    private int Place(int parent, int function)
    {
        ulong hash = ((ulong)(uint)parent << 32 | (uint)function) * 0x9E3779B97F4A7C15;
        int place = (int)(hash >> (64 - BitOperations.Log2((uint)_table.Length)));
        while (_table[place] is int node && node != NoNode && (_nodes[node].Parent != parent || _nodes[node].Function != function))
        {
            place = (place + 1) & (_table.Length - 1);
        }

        return place;
    }

    private static int[] NewTable(int length)
    {
        int[] table = new int[length];
        Array.Fill(table, NoNode);
        return table;
    }

    public struct Node
    {
        public int Parent;

        /// <summary>Of <see cref="Reading.Symbols"/>, or what the tree's owner has set.</summary>
        public int Function;
        public int Depth;

        /// <summary>The one asked for last, which mostly is the next one.</summary>
        public int LastChild;

        /// <summary>Nanoseconds, or a number.</summary>
        public ulong Self;
        public ulong Calls;
    }
}
