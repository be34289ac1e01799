using System;
using System.Runtime.CompilerServices;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>Reads a trace for a <see cref="Dump"/>, and makes calls into slices that are strictly nested in each thread.</summary>
/// <remarks>
/// Calls are not nested if a thread switches stacks (fibers, coroutines). Then a call that ends can have others inside it which go on: their
/// slices end, and begin again after it. If a range of times was chosen, everything before it is read too: calls that are under way when it
/// begins have slices from then on. Nothing is allocated for an event.
/// </remarks>
internal sealed class SliceReader : ICallSink
{
    /// <summary>With more slices inside it, one ends together with the innermost of them, later than its call: output stays bounded.</summary>
    private const int MaxSplit = 64;

    private readonly TraceFile _file;
    private readonly EventSelection _selection;
    private readonly Dump _dump;
    private readonly CallTracker _tracker;
    private readonly SliceStack[] _stacks;
    private readonly int[] _gaps;
    private readonly bool[] _hasBegun;
    private HiddenCalls? _hidden;

    /// <summary>What is written to at the time: nothing before the range.</summary>
    private Dump _current;
    private ulong _time;

    private SliceReader(TraceFile file, Dump dump, EventSelection selection)
    {
        _file = file;
        _dump = dump;
        _current = new NoDump(file);
        _selection = selection;
        _tracker = new CallTracker(file.Threads.Count, this);
        _stacks = new SliceStack[file.Threads.Count];
        _gaps = new int[file.Threads.Count];
        _hasBegun = new bool[file.Threads.Count];
        for (int i = 0; i < _stacks.Length; i++)
        {
            _stacks[i] = new SliceStack();
        }
    }

    public static void Run(TraceFile file, Dump dump) => Run(file, dump, EventSelection.All);

    public static void Run(TraceFile file, Dump dump, EventSelection selection) => new SliceReader(file, dump, selection).Run();

    /// <summary>How often the trace is read.</summary>
    public static int PassesOf(TraceFile file, Dump dump, EventSelection selection) =>
        dump.NeedsHiddenCalls && HiddenCalls.CanBeIn(file, selection) ? 2 : 1;

    private void Run()
    {
        if (PassesOf(_file, _dump, _selection) > 1)
        {
            _hidden = HiddenCalls.Find(_file, _selection);
        }

        using MergedEvents events = _selection.Read(_file);
        bool hasNext = events.Next();
        bool isAfterOthers = hasNext && events.Current.Time < _selection.From;
        for (; hasNext && events.Current.Time < _selection.From; hasNext = events.Next())
        {
            Add(in events.Current);
        }

        if (hasNext)
        {
            ulong begin = isAfterOthers ? _selection.From : Math.Min(events.Current.Time, _selection.To);
            _time = Math.Max(_time, _file.Clock.ToMonotonic(begin));
        }

        _dump.Begin(_time, _selection.Threads ?? _file.Threads);
        if (hasNext)
        {
            _current = _dump;
            OpenEarlier();
        }

        for (; hasNext && events.Current.Time <= _selection.To; hasNext = events.Next())
        {
            Add(in events.Current);
        }

        Finish(hasNext);
    }

    /// <summary>Begins slices for the calls that began before the range.</summary>
    private void OpenEarlier()
    {
        for (int thread = 0; thread < _stacks.Length; thread++)
        {
            for (int i = 0; i < _stacks[thread].Count; i++)
            {
                _current.OnSliceBegin(thread, _time, _stacks[thread][i].Function, SliceBegin.Earlier);
            }
        }
    }

    /// <param name="isCut">The trace has events after the range.</param>
    private void Finish(bool isCut)
    {
        if (isCut)
        {
            _time = Math.Max(_time, _file.Clock.ToMonotonic(_selection.To));
            _tracker.Finish(_selection.To);
        }
        else
        {
            _tracker.Finish();
        }

        CloseHidden();
        _dump.End(_time);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(in TraceEvent e)
    {
        _time = Math.Max(_time, _file.Clock.ToMonotonic(e.Time));
        if (!_hasBegun[e.Thread])
        {
            _hasBegun[e.Thread] = true;
            OpenHidden(e.Thread);
        }

        Read(in e);
    }

    public void OnBegin(in TraceEvent entry)
    {
        int function = _file.Symbols.FunctionAt(entry.Address, entry.Time);
        _stacks[entry.Thread].Push(entry.Call, function);
        _current.OnSliceBegin(entry.Thread, _time, function, SliceBegin.Called);
    }

    public void OnEnd(in FinishedCall call)
    {
        // Those that are under way all the time are not calls of the range, only slices.
        if (call.How != CallEnd.Unfinished || call.Start >= _selection.From)
        {
            _current.OnCall(in call);
        }

        SliceStack stack = _stacks[call.Thread];
        int index = call.HasBeginning ? stack.Find(call.Number) : stack.FindHidden(_file.Symbols.FunctionAt(call.Address, call.End));
        if (index >= 0)
        {
            Close(call.Thread, stack, index, (SliceEnd)call.How);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Read(in TraceEvent e)
    {
        if (e.Kind <= EventKind.Tail)
        {
            _tracker.Add(in e);
            return;
        }

        ReadOther(in e);
    }

    private void ReadOther(in TraceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.FunctionEntry:
                _current.OnEntry(e.Thread, _time, _file.Symbols.FunctionAt(e.Address, e.Time));
                break;
            case EventKind.Mark:
                _current.OnMark(e.Thread, _time, e.Data);
                break;
            case EventKind.Sample:
                _current.OnSample(e.Thread, _time, in e);
                break;
            case EventKind.Switched:
                _tracker.Add(in e);
                _current.OnSwitched(e.Thread, _time, e.Address != 0);
                break;
            case EventKind.Lost or EventKind.Gap:
                _tracker.Add(in e);
                _current.OnLost(e.Thread, _time, e.Address, e.Kind == EventKind.Gap);
                _gaps[e.Thread]++;
                OpenHidden(e.Thread);
                break;
        }
    }

    private void OpenHidden(int thread)
    {
        if (_hidden == null)
        {
            return;
        }

        var functions = _hidden.After(thread, _gaps[thread]);
        for (int i = functions.Count - 1; i >= 0; i--)
        {
            _stacks[thread].Push(Slice.Hidden, functions[i]);
            _current.OnSliceBegin(thread, _time, functions[i], SliceBegin.Hidden);
        }
    }

    private void Close(int thread, SliceStack stack, int index, SliceEnd how)
    {
        int inside = stack.Count - 1 - index;
        if (inside > MaxSplit)
        {
            stack[index].Call = Slice.Ended;
            stack[index].How = how;
            return;
        }

        for (int i = stack.Count - 1; i > index; i--)
        {
            _current.OnSliceEnd(thread, _time, stack[i].Function, SliceEnd.Split);
        }

        _current.OnSliceEnd(thread, _time, stack[index].Function, how);
        if (inside != 0)
        {
            stack.RemoveAt(index);
            for (int i = index; i < stack.Count; i++)
            {
                _current.OnSliceBegin(thread, _time, stack[i].Function, SliceBegin.Continued);
            }

            return;
        }

        stack.Pop();
        while (stack.Count != 0 && stack.Last.Call == Slice.Ended)
        {
            _current.OnSliceEnd(thread, _time, stack.Last.Function, stack.Last.How);
            stack.Pop();
        }
    }

    /// <summary>Ends slices whose calls were not seen to end, if the file has changed since the hidden ones were found.</summary>
    private void CloseHidden()
    {
        for (int thread = 0; thread < _stacks.Length; thread++)
        {
            for (SliceStack stack = _stacks[thread]; stack.Count != 0; stack.Pop())
            {
                _current.OnSliceEnd(thread, _time, stack.Last.Function, SliceEnd.NotSeen);
            }
        }
    }
}
