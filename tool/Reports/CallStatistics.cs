using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
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
    private readonly TimedCall[] _timed = new TimedCall[256];
    private readonly Dictionary<ulong, int> _rowOfThread = [];

    /// <summary>By function; if each thread has its own, see <see cref="_rowOfThread"/>.</summary>
    private FunctionTotals[] _rows = [];
    private int _rowCount;

    /// <summary>If the threads are read one after the other.</summary>
    private UnpairedCalls? _unpaired;
    private bool _wasSwitched;
    private int _timedCount;
    private ulong _sampleCount;

    public CallStatistics(TraceFile file, bool byThread)
    {
        _file = file;
        _byThread = byThread;
        _tracker = new CallTracker(file.Threads.Count, this);
    }

    /// <summary>Functions, or pairs of thread and function, that occur.</summary>
    public Span<FunctionTotals> Rows => _rows.AsSpan(0, _rowCount);

    public ulong Samples => _sampleCount;

    /// <summary>Events that were lost in the threads, and blocks that are missing.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Of the durations, once everything is read.</summary>
    public ulong? Quantile(ref FunctionTotals row, uint percent) =>
        _sketches.Quantile(ref row.Series, row.Timed, percent) is { } value ? Math.Clamp(value, row.Min, row.Max) : null;

    /// <summary>Reads the threads merged by time.</summary>
    public void Read(EventSelection selection)
    {
        using MergedEvents events = selection.Read(_file);
        Read(events, selection);
        _tracker.Finish();
        CountTimed();
    }

    /// <summary>
    /// Reads one thread after the other, which is faster. False: a call can have begun in one thread and ended in another one, or
    /// recording was switched; what was counted is of no use then.
    /// </summary>
    public bool TryReadByThread(EventSelection selection)
    {
        _unpaired = new UnpairedCalls();
        foreach (TraceThread thread in selection.Threads ?? _file.Threads)
        {
            using MergedEvents events = _file.ReadMerged([thread]);
            Read(events, selection);
            _tracker.Finish();
            if (_wasSwitched || _unpaired.AreTooMany)
            {
                return false;
            }
        }

        CountTimed();
        return !_unpaired.CanBePaired();
    }

    public void Dispose() => _sketches.Dispose();

    void ICallSink.OnBegin(in TraceEvent entry)
    {
        ref OpenCall open = ref _open[entry.Call];
        open.Inside = 0;
        open.Outer = _openCalls.Push(entry.Thread, entry.Address, entry.Call, out open.Place);
    }

    void ICallSink.OnEnd(in FinishedCall call)
    {
        if (!call.HasBeginning)
        {
            RowAt(call.Address, call.End, call.Thread).WithoutEntry++;
            _unpaired?.AddEnd(in call);
            return;
        }

        ref OpenCall open = ref _open[call.Number];
        Leave(in call, in open);
        if (!call.HasDuration)
        {
            AddUntimed(in call, ref open);
            return;
        }

        ulong duration = call.End > call.Start ? call.End - call.Start : 0;
        ref TimedCall timed = ref _timed[_timedCount];
        timed.Address = call.Address;
        timed.Start = call.Start;
        timed.Duration = duration;
        timed.Self = duration > call.InCallees ? duration - call.InCallees : 0;
        timed.Total = duration;
        timed.Thread = call.Thread;
        _file.Symbols.Prefetch(call.Address);
        if (open.Outer != 0)
        {
            timed.Total = 0;
            AddInside(open.Outer, duration);
        }

        if (++_timedCount == _timed.Length)
        {
            CountTimed();
        }
    }

    private static ulong Key(int thread, int row) => (ulong)(uint)(thread + 1) << 32 | (uint)row;

    private void Read(MergedEvents events, EventSelection selection)
    {
        while (events.Next())
        {
            ref readonly TraceEvent e = ref events.Current;
            if (e.Time < selection.From)
            {
                continue;
            }

            if (e.Time > selection.To)
            {
                break;
            }

            if (e.Kind <= EventKind.Exit)
            {
                _tracker.Add(in e);
            }
            else
            {
                Add(in e);
            }
        }
    }

    private void Add(in TraceEvent e)
    {
        switch (e.Kind)
        {
            case EventKind.FunctionEntry:
                RowAt(e.Address, e.Time, e.Thread).Entries++;
                return;
            case EventKind.Sample:
                AddSample(in e);
                return;
            case EventKind.Lost:
                Lost += e.Address;
                break;
            case EventKind.Switched:
                _wasSwitched = true;
                break;
        }

        _tracker.Add(in e);
    }

    /// <summary>
    /// Adds calls to the rows of their functions. Those of a thousand functions do not fit into a near cache, so for many calls at a time
    /// it is found out what will be needed, before it is.
    /// </summary>
    private void CountTimed()
    {
        const int Ahead = 16;

        ClockConverter clock = _file.Clock;
        Span<TimedCall> calls = _timed.AsSpan(0, _timedCount);
        foreach (ref TimedCall call in calls)
        {
            call.Row = RowOf(call.Address, call.Start, call.Thread);
            Prefetch(ref _rows[call.Row]);
        }

        FunctionTotals[] rows = _rows;
        for (int i = 0; i < calls.Length; i++)
        {
            if (i + Ahead < calls.Length)
            {
                ref FunctionTotals later = ref rows[calls[i + Ahead].Row];
                _sketches.Prefetch(in later.Series, later.Timed);
            }

            ref readonly TimedCall call = ref calls[i];
            ulong time = clock.Between(call.Start, call.Start + call.Duration);
            ulong self = call.Self == call.Duration ? time : clock.Between(call.Start, call.Start + call.Self);
            ref FunctionTotals row = ref rows[call.Row];
            _sketches.Add(ref row.Series, row.Timed, time);
            row.Min = row.Timed == 0 ? time : Math.Min(time, row.Min);
            row.Max = Math.Max(row.Max, time);
            row.Timed++;
            row.Sum += time;
            row.Self += self;
            row.Total += call.Total != 0 ? time : 0;
        }

        _timedCount = 0;
    }

    private static unsafe void Prefetch(ref FunctionTotals row)
    {
        const int CacheLine = 64;

        if (Sse.IsSupported)
        {
            byte* start = (byte*)Unsafe.AsPointer(ref row);
            Sse.Prefetch0(start);
            Sse.Prefetch0(start + CacheLine);
        }
    }

    /// <summary>A call whose end is not known. Calls of the same function inside it are then the outermost ones.</summary>
    private void AddUntimed(in FinishedCall call, ref OpenCall open)
    {
        ref FunctionTotals row = ref RowAt(call.Address, call.Start, call.Thread);
        row.WithoutExit++;
        _unpaired?.AddBeginning(in call);
        if (open.Outer != 0)
        {
            AddInside(open.Outer, open.Inside);
        }
        else
        {
            row.Total += _file.Clock.Between(call.Start, call.Start + open.Inside);
        }
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

    private void AddInside(int outer, ulong time)
    {
        if (outer != OpenCall.Gone)
        {
            _open[outer].Inside += time;
        }
    }

    /// <summary>Takes a call out of those of its function that are under way.</summary>
    private void Leave(in FinishedCall call, in OpenCall open)
    {
        int outer = open.Outer;
        int place = _openCalls.Find(call.Thread, call.Address, open.Place);
        ref int innermost = ref _openCalls.Innermost(place);
        if (innermost == call.Number)
        {
            if (outer > 0)
            {
                innermost = outer;
                return;
            }

            _openCalls.Remove(place);
            return;
        }

        // On another stack; the one inside it is now in the outer one.
        for (int inner = innermost; inner > 0; inner = _open[inner].Outer)
        {
            if (_open[inner].Outer == call.Number)
            {
                _open[inner].Outer = outer != 0 ? outer : OpenCall.Gone;
                return;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
