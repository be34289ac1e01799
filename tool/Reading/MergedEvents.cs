using System;

namespace Ftrace.Tool.Reading;

/// <summary>Reads the events of all threads, merged by time.</summary>
/// <remarks>Of a thread, only the block that is being read is in memory, from its first event to its last.</remarks>
internal sealed class MergedEvents : IDisposable
{
    private readonly TraceFile _file;

    /// <summary>Threads that were not begun, the next one last.</summary>
    private readonly TraceThread[] _waiting;
    private int _waitingCount;

    /// <summary>Threads with a next event: a heap, by time and index. Events are large, so they stay where they are.</summary>
    private MergedThread[] _heap = new MergedThread[16];

    /// <summary>By <see cref="MergedThread.Place"/>.</summary>
    private ThreadEvents[] _readers = new ThreadEvents[16];
    private TraceEvent[] _events = new TraceEvent[16];

    /// <summary>The place of the first thread.</summary>
    private int _first;
    private int _count;

    /// <summary>Places that were used so far; those from <see cref="_count"/> on in the heap are free.</summary>
    private int _placeCount;
    private bool _isFirst = true;

    /// <summary>The event after <see cref="Current"/> in its thread, if it was asked for.</summary>
    private TraceEvent _following;
    private bool _hasFollowing;
    private bool _askedFollowing;

    internal MergedEvents(TraceFile file, TraceThread[] threads)
    {
        _file = file;
        _waiting = threads;
        Array.Sort(_waiting, (a, b) => b.FirstTime.CompareTo(a.FirstTime));
        _waitingCount = _waiting.Length;
    }

    /// <summary>The event; its data are valid until the next call of <see cref="Next"/>.</summary>
    public ref readonly TraceEvent Current => ref _events[_first];

    /// <summary>Goes to the next event. False: there is none.</summary>
    public bool Next()
    {
        if (_isFirst)
        {
            _isFirst = false;
        }
        else if (_count != 0)
        {
            Advance();
        }

        while (_waitingCount != 0 && (_count == 0 || _waiting[_waitingCount - 1].FirstTime <= _heap[0].Time))
        {
            Begin(_waiting[--_waitingCount]);
        }

        return _count != 0;
    }

    /// <summary>
    /// Gets the next event of the same thread, which may come after others. False: there is none. <see cref="TraceEvent.Data"/> of
    /// <see cref="Current"/> is not valid any more, and that of the event only once it is the current one.
    /// </summary>
    public bool TryPeek(out TraceEvent following)
    {
        if (!_askedFollowing)
        {
            _hasFollowing = _readers[_first].Next(out _following);
            _askedFollowing = true;
        }

        following = _following;
        return _hasFollowing;
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            _readers[_heap[i].Place].Dispose();
        }

        _count = 0;
        _waitingCount = 0;
    }

    private void Advance()
    {
        ref TraceEvent e = ref _events[_first];
        bool exists;
        if (_askedFollowing)
        {
            exists = _hasFollowing;
            e = _following;
            _askedFollowing = false;
        }
        else
        {
            exists = _readers[_first].Next(out e);
        }

        if (exists)
        {
            _heap[0].Time = e.Time;
        }
        else if (!End())
        {
            return;
        }

        if (_count > 1 || _first != _heap[0].Place)
        {
            SiftDown();
        }
    }

    /// <summary>Ends the first thread. False: it was the last one.</summary>
    private bool End()
    {
        _readers[_first].Dispose();
        if (--_count == 0)
        {
            return false;
        }

        // The place is free then, after those that are used.
        MergedThread ended = _heap[0];
        _heap[0] = _heap[_count];
        _heap[_count] = ended;
        return true;
    }

    private void Begin(TraceThread thread)
    {
        var reader = new ThreadEvents(_file, thread);
        if (!reader.Next(out TraceEvent e))
        {
            reader.Dispose();
            return;
        }

        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
            Array.Resize(ref _readers, _count * 2);
            Array.Resize(ref _events, _count * 2);
        }

        if (_count == _placeCount)
        {
            _heap[_count].Place = _placeCount++;
        }

        var begun = new MergedThread { Time = e.Time, Thread = e.Thread, Place = _heap[_count].Place };
        _readers[begun.Place] = reader;
        _events[begun.Place] = e;
        int at = _count++;
        while (at > 0 && IsBefore(in begun, in _heap[(at - 1) / 2]))
        {
            int parent = (at - 1) / 2;
            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = begun;
        _first = _heap[0].Place;
    }

    private void SiftDown()
    {
        MergedThread[] heap = _heap;
        MergedThread moved = heap[0];
        int at = 0;
        for (int child = 1; child < _count; child = 2 * at + 1)
        {
            if (child + 1 < _count && IsBefore(in heap[child + 1], in heap[child]))
            {
                child++;
            }

            if (!IsBefore(in heap[child], in moved))
            {
                break;
            }

            heap[at] = heap[child];
            at = child;
        }

        heap[at] = moved;
        _first = heap[0].Place;
    }

    private static bool IsBefore(in MergedThread a, in MergedThread b) => a.Time < b.Time || (a.Time == b.Time && a.Thread < b.Thread);
}
