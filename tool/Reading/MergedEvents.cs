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

    /// <summary>Threads with a next event: a heap, by time and index.</summary>
    private ThreadEvents[] _readers = new ThreadEvents[16];
    private TraceEvent[] _events = new TraceEvent[16];
    private int _count;
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
    public ref readonly TraceEvent Current => ref _events[0];

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

        while (_waitingCount != 0 && (_count == 0 || _waiting[_waitingCount - 1].FirstTime <= _events[0].Time))
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
            _hasFollowing = _readers[0].Next(out _following);
            _askedFollowing = true;
        }

        following = _following;
        return _hasFollowing;
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
        {
            _readers[i].Dispose();
        }

        _count = 0;
        _waitingCount = 0;
    }

    private void Advance()
    {
        bool exists;
        if (_askedFollowing)
        {
            exists = _hasFollowing;
            _events[0] = _following;
            _askedFollowing = false;
        }
        else
        {
            exists = _readers[0].Next(out _events[0]);
        }

        if (!exists)
        {
            _readers[0].Dispose();
            if (--_count == 0)
            {
                return;
            }

            _readers[0] = _readers[_count];
            _events[0] = _events[_count];
        }

        SiftDown();
    }

    private void Begin(TraceThread thread)
    {
        var reader = new ThreadEvents(_file, thread);
        if (!reader.Next(out TraceEvent e))
        {
            reader.Dispose();
            return;
        }

        if (_count == _readers.Length)
        {
            Array.Resize(ref _readers, _count * 2);
            Array.Resize(ref _events, _count * 2);
        }

        int place = _count++;
        while (place > 0 && IsBefore(in e, in _events[(place - 1) / 2]))
        {
            int parent = (place - 1) / 2;
            _events[place] = _events[parent];
            _readers[place] = _readers[parent];
            place = parent;
        }

        _events[place] = e;
        _readers[place] = reader;
    }

    private void SiftDown()
    {
        if (_count < 2)
        {
            return;
        }

        int child = _count > 2 && IsBefore(in _events[2], in _events[1]) ? 2 : 1;
        if (!IsBefore(in _events[child], in _events[0]))
        {
            return;
        }

        TraceEvent e = _events[0];
        ThreadEvents reader = _readers[0];
        int place = 0;
        do
        {
            _events[place] = _events[child];
            _readers[place] = _readers[child];
            place = child;
            child = 2 * place + 1;
            if (child + 1 < _count && IsBefore(in _events[child + 1], in _events[child]))
            {
                child++;
            }
        }
        while (child < _count && IsBefore(in _events[child], in e));
        _events[place] = e;
        _readers[place] = reader;
    }

    private static bool IsBefore(in TraceEvent a, in TraceEvent b) => a.Time < b.Time || (a.Time == b.Time && a.Thread < b.Thread);
}
