using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>
/// Makes the call tree of a trace: of calls with their times; if there are none, of samples; and if there are none either, of entries and
/// their callers.
/// </summary>
internal sealed class CallGraph : ICallSink
{
    private readonly TraceFile _file;
    private readonly CallTracker _tracker;
    private readonly int _maxNodes;
    private CallTree? _samples;
    private CallTree? _entries;

    private CallGraph(TraceFile file, int maxNodes)
    {
        _file = file;
        _maxNodes = maxNodes;
        _tracker = new CallTracker(file.Threads.Count, this);
        Tree = new CallTree(maxNodes);
    }

    public CallTree Tree { get; private set; }

    public CallGraphUnit Unit { get; private set; }

    /// <summary>Calls that have no node, because there were too many or too deep ones. Their time is in that of their callers.</summary>
    public ulong LeftOut { get; private set; }

    public ulong WithoutEntry { get; private set; }

    public ulong WithoutExit { get; private set; }

    /// <summary>Units that were lost in the threads.</summary>
    public ulong Lost { get; private set; }

    public static CallGraph Read(TraceFile file, EventSelection selection, int maxNodes = CallTree.DefaultMaxNodes)
    {
        var graph = new CallGraph(file, maxNodes);
        using MergedEvents events = selection.Read(file);
        while (events.Next() && events.Current.Time <= selection.To)
        {
            if (events.Current.Time >= selection.From)
            {
                graph.Add(in events.Current);
            }
        }

        graph.Finish();
        return graph;
    }

    void ICallSink.OnBegin(in TraceEvent entry)
    {
        // A node, or the complement of the nearest one above it.
        int parent = _tracker.Parent(entry.Call);
        int caller = parent < 0 ? CallTree.Root : _tracker.Tag(parent);
        int node = -1;
        if (caller >= 0)
        {
            node = Tree.Callee(caller, _file.Symbols.FunctionAt(entry.Address, entry.Time));
        }
        else
        {
            caller = ~caller;
        }

        _tracker.Tag(entry.Call) = node >= 0 ? node : ~caller;
    }

    void ICallSink.OnEnd(in FinishedCall call)
    {
        if (!call.HasBeginning)
        {
            int top = Tree.Callee(CallTree.Root, _file.Symbols.FunctionAt(call.Address, call.End));
            WithoutEntry++;
            if (top >= 0)
            {
                Tree[top].Calls++;
            }

            return;
        }

        bool isLeftOut = call.Tag < 0;
        ref CallNode node = ref Tree[isLeftOut ? ~call.Tag : call.Tag];
        WithoutExit += call.HasDuration ? 0UL : 1UL;
        LeftOut += isLeftOut ? 1UL : 0UL;
        node.Calls += isLeftOut ? 0UL : 1UL;
        node.Self += _file.Clock.Between(call.Start, call.Start + call.SelfTime);
    }

    private void Add(in TraceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.Sample:
                AddSample(in e);
                break;
            case EventKind.FunctionEntry:
                AddEntry(in e);
                break;
            case EventKind.Lost:
                Lost += e.Address;
                _tracker.Add(in e);
                break;
            default:
                _tracker.Add(in e);
                break;
        }
    }

    private void AddSample(in TraceEvent e)
    {
        if (Tree.Count > 1)
        {
            return;
        }

        _samples ??= new CallTree(_maxNodes);
        bool hasFrames = e.FrameCount != 0;
        int node = CallTree.Root;
        for (int i = (hasFrames ? e.FrameCount : e.CallCount) - 1; i >= -1 && node >= 0; i--)
        {
            // A return address can be that of the next function already.
            ulong address = i < 0 ? e.Address : (hasFrames ? e.Frame(i) : e.TracedCall(i)) - 1;
            int callee = _samples.Callee(node, _file.Symbols.FunctionAt(address, e.Time));
            if (callee < 0)
            {
                LeftOut++;
                break;
            }

            node = callee;
        }

        _samples[node].Self++;
        _samples[node].Calls++;
    }

    private void AddEntry(in TraceEvent e)
    {
        if (Tree.Count > 1 || _samples != null)
        {
            return;
        }

        _entries ??= new CallTree(_maxNodes);
        int caller = _entries.Callee(CallTree.Root, _file.Symbols.FunctionAt(e.ReturnAddress - 1, e.Time));
        int node = caller < 0 ? caller : _entries.Callee(caller, _file.Symbols.FunctionAt(e.Address, e.Time));
        if (node < 0)
        {
            LeftOut++;
            return;
        }

        _entries[node].Self++;
        _entries[node].Calls++;
    }

    private void Finish()
    {
        _tracker.Finish();
        if (Tree.Count > 1)
        {
            return;
        }

        Unit = _samples != null ? CallGraphUnit.Samples : CallGraphUnit.Entries;
        Tree = _samples ?? _entries ?? Tree;
    }
}
