using System;
using System.Collections.Generic;
using System.Text;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>A format for distinct stacks, with the time in each. The first frame is the thread's name.</summary>
/// <remarks>
/// If there are no calls with an exit in the trace, samples are counted instead, and if there are none either, entries. Memory grows
/// with the number of distinct stacks, up to the limit of <see cref="CallTree"/>.
/// </remarks>
internal abstract class TreeDump : Dump
{
    /// <summary>100 MB. What is in further stacks is counted for the callers that have a node.</summary>
    public const int DefaultMaxNodes = 2_000_000;

    private readonly ThreadPlace[] _places;
    private readonly List<string> _threadNames = [];
    private readonly int _maxNodes;
    private readonly CallTree _calls;
    private CallTree? _samples;
    private CallTree? _entries;

    protected TreeDump(TraceFile file, int maxNodes)
        : base(file)
    {
        _maxNodes = maxNodes;
        _calls = new CallTree(maxNodes);
        _places = new ThreadPlace[file.Threads.Count];
        for (int i = 0; i < _places.Length; i++)
        {
            string name = ThreadNames.Of(file, file.Threads[i]);
            int index = _threadNames.IndexOf(name);
            if (index < 0)
            {
                index = _threadNames.Count;
                _threadNames.Add(name);
            }

            _places[i].ThreadFunction = ~index;
        }
    }

    /// <summary>What was measured: <c>ns</c>, <c>samples</c> or <c>calls</c>.</summary>
    protected string Unit { get; private set; } = "ns";

    /// <summary>Calls for which there was no room.</summary>
    public ulong LeftOut { get; private set; }

    /// <summary>True if calls were under way before the trace's beginning: the buffer has kept the last events only.</summary>
    protected bool HasHiddenCalls { get; private set; }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
        HasHiddenCalls |= how == SliceBegin.Hidden;
        ref ThreadPlace place = ref _places[thread];
        if (place.Node == 0)
        {
            place.Node = _calls.Callee(CallTree.Root, place.ThreadFunction);
            if (place.Node < 0)
            {
                place.Node = 0;
            }

            place.Bottom = place.Node;
        }

        AddTime(ref place, time);
        if (place.LeftOut != 0)
        {
            place.LeftOut++;
            LeftOut++;
            return;
        }

        int node = _calls.Callee(place.Node, function);
        if (node < 0)
        {
            place.LeftOut = 1;
            return;
        }

        place.Node = node;
        _calls[node].Calls += how == SliceBegin.Continued ? 0UL : 1UL;
    }

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
        ref ThreadPlace place = ref _places[thread];
        AddTime(ref place, time);
        if (place.LeftOut != 0)
        {
            place.LeftOut--;
            return;
        }

        place.Node = _calls[place.Node].Caller;
    }

    public override void OnSample(int thread, ulong time, in TraceEvent sample)
    {
        if (_calls.Count > 1)
        {
            return;
        }

        _samples ??= new CallTree(_maxNodes);
        int node = _samples.Callee(CallTree.Root, _places[thread].ThreadFunction);
        foreach (int function in SampleStack.Read(File, in sample))
        {
            int next = _samples.Callee(Math.Max(node, 0), function);
            if (next < 0)
            {
                break;
            }

            node = next;
        }

        _samples[Math.Max(node, 0)].Self++;
    }

    public override void OnEntry(int thread, ulong time, int function)
    {
        if (_calls.Count > 1)
        {
            return;
        }

        _entries ??= new CallTree(_maxNodes);
        int node = _entries.Callee(CallTree.Root, _places[thread].ThreadFunction);
        node = Math.Max(_entries.Callee(Math.Max(node, 0), function), 0);
        _entries[node].Self++;
        _entries[node].Calls++;
    }

    public sealed override void End(ulong time)
    {
        CallTree tree = _calls;
        if (_calls.Count == 1 && _samples != null)
        {
            tree = _samples;
            Unit = "samples";
        }
        else if (_calls.Count == 1 && _entries != null)
        {
            tree = _entries;
            Unit = "calls";
        }

        LeftOut += tree.LeftOut;
        Write(tree);
    }

    /// <summary>The name of a node.</summary>
    protected string NameOf(in CallNode node) => node.Function < 0 ? _threadNames[~node.Function] : Encoding.UTF8.GetString(Symbols.Name(node.Function));

    protected abstract void Write(CallTree tree);

    private void AddTime(ref ThreadPlace place, ulong time)
    {
        if (place.Node != place.Bottom)
        {
            _calls[place.Node].Self += time - place.Time;
        }

        place.Time = time;
    }

    /// <summary>Where a thread is.</summary>
    private struct ThreadPlace
    {
        /// <summary>Its name, as a function of the tree.</summary>
        public int ThreadFunction;
        public int Node;

        /// <summary>The node of the thread's name, which has no time of its own.</summary>
        public int Bottom;

        /// <summary>Calls inside that have no node.</summary>
        public uint LeftOut;
        public ulong Time;
    }
}
