using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>Counts and times of each function, from the events in their order. Memory is bounded by the number of functions.</summary>
internal sealed class CallStatistics : ICallSink, IDisposable
{
    /// <summary>Rows: with threads there can be more than functions.</summary>
    private const int MaxRows = 1 << 19;

    private readonly TraceFile _file;
    private readonly bool _byThread;
    private readonly CallTracker _tracker;
    private readonly DurationSketches _sketches = new();
    private readonly OpenCalls _openCalls = new();

    /// <summary>By the number of the call.</summary>
    private readonly OpenCall[] _open = new OpenCall[1 << 16];
    private readonly Dictionary<ulong, int> _rowOfThread = [];

    /// <summary>By function; if each thread has its own, see <see cref="_rowOfThread"/>.</summary>
    private FunctionTotals[] _rows = [];
    private int _rowCount;
    private ulong _sampleCount;

    public CallStatistics(TraceFile file, bool byThread)
    {
        _file = file;
        _byThread = byThread;
        _tracker = new CallTracker(file.Threads.Count, this);
    }

    /// <summary>Functions, or pairs of thread and function, that occur.</summary>
    public ReadOnlySpan<FunctionTotals> Rows => _rows.AsSpan(0, _rowCount);

    public ulong Samples => _sampleCount;

    /// <summary>Events that were lost in the threads, and blocks that are missing.</summary>
    public ulong Lost { get; private set; }

    public ulong? Quantile(in FunctionTotals row, uint percent) =>
        _sketches.Quantile(row.Series, row.Timed, percent) is { } value ? Math.Clamp(value, row.Min, row.Max) : null;

    public void Read(MergedEvents events)
    {
        while (events.Next())
        {
            Add(in events.Current);
        }

        _tracker.Finish();
    }

    public void Dispose() => _sketches.Dispose();

    void ICallSink.OnBegin(in TraceEvent entry)
    {
        int number = entry.Call;
        int row = RowOf(entry.Address, entry.Time, entry.Thread);
        ref OpenCall open = ref _open[number];
        open.Row = row;
        open.Inside = 0;
        open.Outer = _openCalls.Push(Key(entry.Thread, row), number);
    }

    void ICallSink.OnEnd(in FinishedCall call)
    {
        if (!call.HasBeginning)
        {
            RowAt(call.Address, call.End, call.Thread).WithoutEntry++;
            return;
        }

        ref OpenCall open = ref _open[call.Number];
        ref FunctionTotals row = ref _rows[open.Row];
        ulong inside = open.Inside;
        if (call.HasDuration)
        {
            inside = _file.Clock.Between(call.Start, call.End);
            AddTime(ref row, inside, call.InCallees == 0 ? inside : _file.Clock.Between(call.Start, call.Start + call.SelfTime));
        }
        else
        {
            row.WithoutExit++;
        }

        if (open.Outer != 0)
        {
            _open[open.Outer].Inside += inside;
        }
        else
        {
            row.Total += inside;
        }

        Leave(Key(call.Thread, open.Row), call.Number, open.Outer);
    }

    private static ulong Key(int thread, int row) => (ulong)(uint)(thread + 1) << 32 | (uint)row;

    private void Add(in TraceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.FunctionEntry:
                RowAt(e.Address, e.Time, e.Thread).Entries++;
                break;
            case EventKind.Sample:
                AddSample(in e);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddTime(ref FunctionTotals row, ulong time, ulong self)
    {
        _sketches.Add(ref row.Series, row.Timed, time);
        row.Min = row.Timed == 0 || time < row.Min ? time : row.Min;
        row.Max = Math.Max(row.Max, time);
        row.Timed++;
        row.Sum += time;
        row.Self += self;
    }

    private void AddSample(in TraceEvent e)
    {
        _sampleCount++;
        int row = RowOf(e.Address, e.Time, e.Thread);
        _rows[row].Samples++;
        CountInside(row);

        // Return addresses are after the call, which can be the last instruction of a function.
        for (int i = 0; i < e.FrameCount; i++)
        {
            CountInside(RowOf(e.Frame(i) - 1, e.Time, e.Thread));
        }

        for (int i = 0; i < e.CallCount; i++)
        {
            CountInside(RowOf(e.TracedCall(i) - 1, e.Time, e.Thread));
        }
    }

    /// <summary>Once for each sample, also if the function calls itself.</summary>
    private void CountInside(int row)
    {
        if (_rows[row].LastSample != _sampleCount)
        {
            _rows[row].LastSample = _sampleCount;
            _rows[row].SamplesInside++;
        }
    }

    private void Leave(ulong key, int number, int outer)
    {
        ref int innermost = ref _openCalls.Innermost(key);
        if (innermost != number)
        {
            // On another stack; the one inside it is now in the outer one.
            for (int inner = innermost; inner != 0; inner = _open[inner].Outer)
            {
                if (_open[inner].Outer == number)
                {
                    _open[inner].Outer = outer;
                    return;
                }
            }

            return;
        }

        if (outer != 0)
        {
            innermost = outer;
        }
        else
        {
            _openCalls.Remove(key);
        }
    }

    private ref FunctionTotals RowAt(ulong address, ulong time, int thread)
    {
        int row = RowOf(address, time, thread); // can replace the array
        return ref _rows[row];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RowOf(ulong address, ulong time, int thread)
    {
        int function = _file.Symbols.FunctionAt(address, time);
        return !_byThread && function < _rowCount ? function : NewRow(function, thread);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int NewRow(int function, int thread)
    {
        if (!_byThread)
        {
            while (_rowCount <= function)
            {
                AddRow(_rowCount, -1);
            }

            return function;
        }

        if (_rowOfThread.TryGetValue(Key(thread, function), out int row))
        {
            return row;
        }

        if (_rowCount >= MaxRows - 1)
        {
            if (_rowCount < MaxRows)
            {
                AddRow(FunctionTotals.Others, -1);
            }

            return MaxRows - 1;
        }

        _rowOfThread.Add(Key(thread, function), _rowCount);
        AddRow(function, thread);
        return _rowCount - 1;
    }

    private void AddRow(int function, int thread)
    {
        if (_rowCount == _rows.Length)
        {
            Array.Resize(ref _rows, Math.Max(_rowCount * 2, 256));
        }

        _rows[_rowCount++] = new FunctionTotals { Function = function, Thread = thread };
    }
}
