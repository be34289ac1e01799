using System;
using System.Runtime.CompilerServices;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>Reads a trace for a <see cref="Dump"/>, and makes calls into slices that are strictly nested in each thread.</summary>
/// <remarks>
/// Calls are not nested if a thread switches stacks (fibers, coroutines). Then a call that ends can have others inside it which go on: their
/// slices end, and begin again after it. Nothing is allocated for an event.
/// </remarks>
internal sealed class SliceReader : ICallSink
{
    /// <summary>With more slices inside it, one ends together with the innermost of them, later than its call: output stays bounded.</summary>
    private const int MaxSplit = 64;

    private readonly TraceFile _file;
    private readonly Dump _dump;
    private readonly CallTracker _tracker;
    private readonly SliceStack[] _stacks;
    private readonly int[] _gaps;
    private readonly bool[] _hasBegun;
    private HiddenCalls? _hidden;
    private ulong _time;

    public SliceReader(TraceFile file, Dump dump)
    {
        _file = file;
        _dump = dump;
        _tracker = new CallTracker(file.Threads.Count, this);
        _stacks = new SliceStack[file.Threads.Count];
        _gaps = new int[file.Threads.Count];
        _hasBegun = new bool[file.Threads.Count];
        for (int i = 0; i < _stacks.Length; i++)
        {
            _stacks[i] = new SliceStack();
        }
    }

    public static void Run(TraceFile file, Dump dump) => new SliceReader(file, dump).Run();

    private void Run()
    {
        if (_dump.NeedsHiddenCalls)
        {
            _hidden = HiddenCalls.Find(_file);
        }

        using MergedEvents events = _file.ReadMerged();
        bool isFirst = true;
        while (events.Next())
        {
            ref readonly TraceEvent e = ref events.Current;
            _time = Math.Max(_time, _file.Clock.ToMonotonic(e.Time));
            if (isFirst)
            {
                isFirst = false;
                _dump.Begin(_time);
            }

            if (!_hasBegun[e.Thread])
            {
                _hasBegun[e.Thread] = true;
                OpenHidden(e.Thread);
            }

            Read(in e);
        }

        if (isFirst)
        {
            _dump.Begin(0);
        }

        _tracker.Finish();
        CloseHidden();
        _dump.End(_time);
    }

    public void OnBegin(in TraceEvent entry)
    {
        int function = _file.Symbols.FunctionAt(entry.Address, entry.Time);
        _stacks[entry.Thread].Push(entry.Call, function);
        _dump.OnSliceBegin(entry.Thread, _time, function, SliceBegin.Called);
    }

    public void OnEnd(in FinishedCall call)
    {
        _dump.OnCall(in call);
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
                _dump.OnEntry(e.Thread, _time, _file.Symbols.FunctionAt(e.Address, e.Time));
                break;
            case EventKind.Mark:
                _dump.OnMark(e.Thread, _time, e.Data);
                break;
            case EventKind.Sample:
                _dump.OnSample(e.Thread, _time, in e);
                break;
            case EventKind.Switched:
                _tracker.Add(in e);
                _dump.OnSwitched(e.Thread, _time, e.Address != 0);
                break;
            case EventKind.Lost or EventKind.Gap:
                _tracker.Add(in e);
                _dump.OnLost(e.Thread, _time, e.Address, e.Kind == EventKind.Gap);
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
            _dump.OnSliceBegin(thread, _time, functions[i], SliceBegin.Hidden);
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
            _dump.OnSliceEnd(thread, _time, stack[i].Function, SliceEnd.Split);
        }

        _dump.OnSliceEnd(thread, _time, stack[index].Function, how);
        if (inside != 0)
        {
            stack.RemoveAt(index);
            for (int i = index; i < stack.Count; i++)
            {
                _dump.OnSliceBegin(thread, _time, stack[i].Function, SliceBegin.Continued);
            }

            return;
        }

        stack.Pop();
        while (stack.Count != 0 && stack.Last.Call == Slice.Ended)
        {
            _dump.OnSliceEnd(thread, _time, stack.Last.Function, stack.Last.How);
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
                _dump.OnSliceEnd(thread, _time, stack.Last.Function, SliceEnd.NotSeen);
            }
        }
    }
}
