using System.Collections.Generic;
using System.Linq;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// The calls whose end is in the trace, but not their entry: a ring has the last events only, and events can be lost. Formats with nested
/// slices need them at the beginning, so they are found before.
/// </summary>
internal sealed class HiddenCalls : ICallSink
{
    /// <summary>Bounds the memory that a damaged file takes.</summary>
    private const int MaxCalls = 1_000_000;

    private readonly TraceFile _file;
    private readonly Dictionary<(int Thread, int Gaps), List<int>> _functions = [];
    private readonly int[] _gaps;
    private int _count;

    private HiddenCalls(TraceFile file)
    {
        _file = file;
        _gaps = new int[file.Threads.Count];
    }

    /// <summary>False: nothing is missing in the trace, so there are none.</summary>
    public static bool CanBeIn(TraceFile file, EventSelection selection) =>
        (selection.Threads ?? file.Threads).Any(thread => thread.IsBeginningCut || thread.MissingBlocks != 0 || thread.Lost != 0);

    /// <summary>Reads some threads, at all times: a call that was under way in the range that was chosen can have ended after it.</summary>
    public static HiddenCalls Find(TraceFile file, EventSelection selection)
    {
        var calls = new HiddenCalls(file);
        calls.Read(selection);
        return calls;
    }

    /// <summary>Functions of the calls that were under way when a thread went on after so many gaps, the innermost one first.</summary>
    public IReadOnlyList<int> After(int thread, int gaps) => _functions.TryGetValue((thread, gaps), out List<int>? list) ? list : [];

    public void OnBegin(in TraceEvent entry)
    {
    }

    public void OnEnd(in FinishedCall call)
    {
        if (call.HasBeginning || _count == MaxCalls)
        {
            return;
        }

        (int, int) key = (call.Thread, _gaps[call.Thread]);
        if (!_functions.TryGetValue(key, out List<int>? list))
        {
            list = [];
            _functions.Add(key, list);
        }

        list.Add(_file.Symbols.FunctionAt(call.Address, call.End));
        _count++;
    }

    private void Read(EventSelection selection)
    {
        var tracker = new CallTracker(_file.Threads.Count, this);
        using MergedEvents events = selection.Read(_file);
        while (events.Next())
        {
            ref readonly TraceEvent e = ref events.Current;
            if (e.Kind is EventKind.Lost or EventKind.Gap)
            {
                _gaps[e.Thread]++;
            }

            tracker.Add(in e);
        }
    }
}
