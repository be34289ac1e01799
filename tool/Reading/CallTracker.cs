using System;
using System.Runtime.CompilerServices;

namespace Ftrace.Tool.Reading;

/// <summary>
/// Pairs entries and exits by the numbers of calls. Events must come merged by time: a call can end in another thread than it began.
/// </summary>
/// <remarks>
/// The calls of a thread that are under way are a list, the innermost one last. Mostly the last one ends. If another one ends, those
/// inside it are on another stack, which the thread has switched to, and stay; but if events were lost since they began, or recording was
/// switched off, it is more likely that their ends were not seen, and they end too. Nothing is allocated for an event.
/// </remarks>
internal sealed class CallTracker
{
    private const int None = -1;

    private readonly ICallSink _sink;
    private readonly CallSlot[] _slots = new CallSlot[1 << 16];

    /// <summary>The innermost call of each thread.</summary>
    private readonly int[] _last;

    /// <summary>How many gaps each thread had.</summary>
    private readonly uint[] _gaps;
    private ulong _lastTime;

    public CallTracker(int threadCount, ICallSink sink)
    {
        _sink = sink;
        _last = new int[threadCount];
        _gaps = new uint[threadCount];
        Array.Fill(_last, None);
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i].Thread = None;
        }
    }

    /// <summary>True if a call of this number is under way.</summary>
    public bool IsUnderWay(int call) => call >= 0 && _slots[call].Thread != None;

    /// <summary>The function of a call that is under way.</summary>
    public ulong AddressOf(int call) => _slots[call].Address;

    /// <summary>When a call that is under way began.</summary>
    public ulong StartOf(int call) => _slots[call].Start;

    /// <summary>The call that made it; -1: none.</summary>
    public int Parent(int call) => _slots[call].Parent;

    /// <summary>How many calls it is nested in.</summary>
    public int Depth(int call) => _slots[call].Depth;

    /// <summary>A number that the user keeps with a call that is under way.</summary>
    public ref int Tag(int call) => ref _slots[call].Tag;

    /// <summary>The innermost call of a thread; -1: none.</summary>
    public int Innermost(int thread) => _last[thread];

    /// <summary>Takes the next event. Events that are not of calls are ignored, except gaps.</summary>
    public void Add(in TraceEvent e)
    {
        _lastTime = e.Time;
        switch (e.Kind)
        {
            case EventKind.Entry:
                Begin(in e);
                break;
            case EventKind.Exit:
                End(in e, CallEnd.Returned);
                break;
            case EventKind.Tail:
                End(in e, CallEnd.Tail);
                break;
            case EventKind.Unwound:
                End(in e, CallEnd.Unwound);
                break;
            case EventKind.Lost:
            case EventKind.Gap:
                _gaps[e.Thread]++;
                break;
            case EventKind.Switched:
                foreach (ref uint gaps in _gaps.AsSpan())
                {
                    gaps++;
                }

                break;
        }
    }

    /// <summary>Ends the calls that are under way at the end of the trace, innermost first. Other events can follow.</summary>
    public void Finish()
    {
        for (int thread = 0; thread < _last.Length; thread++)
        {
            while (_last[thread] != None)
            {
                EndSlot(_last[thread], _lastTime, thread, CallEnd.Unfinished);
            }
        }
    }

    /// <summary>The same, at a time after the last event.</summary>
    public void Finish(ulong time)
    {
        _lastTime = Math.Max(_lastTime, time);
        Finish();
    }

    private void Begin(in TraceEvent e)
    {
        int number = e.Call;
        ref CallSlot slot = ref _slots[number];
        if (slot.Thread != None)
        {
            EndInside(number, e.Time, e.Thread);
            EndSlot(number, e.Time, e.Thread, CallEnd.NotSeen);
        }

        ref int last = ref _last[e.Thread];
        slot.Address = e.Address;
        slot.Start = e.Time;
        slot.InCallees = 0;
        slot.Thread = e.Thread;
        slot.Parent = last;
        slot.Child = None;
        slot.Depth = 0;
        slot.Gaps = _gaps[e.Thread];
        slot.Tag = 0;
        if (last != None)
        {
            slot.Depth = _slots[last].Depth + 1;
            _slots[last].Child = number;
        }

        last = number;
        _sink.OnBegin(in e);
    }

    private void End(in TraceEvent e, CallEnd how)
    {
        ref CallSlot slot = ref _slots[e.Call];
        if (slot.Thread == None || slot.Address != e.Address)
        {
            EndWithoutBeginning(in e, how);
            return;
        }

        if (slot.Child != None)
        {
            EndInside(e.Call, e.Time, e.Thread);
        }

        EndSlot(e.Call, e.Time, e.Thread, how);
    }

    /// <summary>
    /// Ends the calls inside one that ends, if the thread had a gap since they began, innermost first. Later calls have seen as many gaps or
    /// more, so those to end are the outer ones; the others, of which there may be many, are not looked at.
    /// </summary>
    private void EndInside(int number, ulong time, int endThread)
    {
        uint gaps = _gaps[_slots[number].Thread];
        int inside = number;
        for (int next = _slots[number].Child; next != None && _slots[next].Gaps != gaps; next = _slots[next].Child)
        {
            inside = next;
        }

        while (inside != number)
        {
            int outer = _slots[inside].Parent;
            EndSlot(inside, time, endThread, CallEnd.NotSeen);
            inside = outer;
        }
    }

    private void EndSlot(int number, ulong time, int endThread, CallEnd how)
    {
        ref CallSlot slot = ref _slots[number];
        FinishedCall call;
        call.Address = slot.Address;
        call.Start = slot.Start;
        call.End = time;
        call.InCallees = slot.InCallees;
        call.Thread = slot.Thread;
        call.EndThread = endThread;
        call.Depth = slot.Depth;
        call.Parent = slot.Parent;
        call.Number = (ushort)number;
        call.How = how;
        call.HasBeginning = true;
        call.Tag = slot.Tag;
        if (slot.Parent != None)
        {
            ref CallSlot parent = ref _slots[slot.Parent];
            parent.InCallees += call.HasDuration ? call.Duration : call.InCallees;
            parent.Child = slot.Child;
        }

        if (slot.Child != None)
        {
            _slots[slot.Child].Parent = slot.Parent;
        }
        else
        {
            _last[slot.Thread] = slot.Parent;
        }

        slot.Thread = None;
        _sink.OnEnd(in call);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndWithoutBeginning(in TraceEvent e, CallEnd how)
    {
        // What is known of the thread began inside this call, or after another one of this number was not seen to end.
        if (_slots[e.Call].Thread != None)
        {
            EndInside(e.Call, e.Time, e.Thread);
            EndSlot(e.Call, e.Time, e.Thread, CallEnd.NotSeen);
        }

        var call = new FinishedCall
        {
            Address = e.Address,
            End = e.Time,
            Thread = e.Thread,
            EndThread = e.Thread,
            Parent = None,
            Number = e.Call,
            How = how,
        };
        _sink.OnEnd(in call);
    }
}
