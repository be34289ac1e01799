using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Reading;

/// <summary>Reads the events of one thread in the order of time, one block after the other.</summary>
internal sealed unsafe class ThreadEvents : IDisposable
{
    private const int UnitSize = 16;
    private const int UnitData = 15;
    private const ulong TagMask = 15;
    private const ulong ArgumentMask = (1UL << 47) - 1;
    private const ulong ExitBit = 1UL << 63;

    /// <summary>Handlers that interrupt each other; of more, the order is that of the file.</summary>
    private const int MaxHeld = 64;

    private readonly TraceFile _file;
    private readonly TraceThread _thread;
    private readonly ulong _baseTime;
    private byte* _buffer;

    /// <summary>The next unit.</summary>
    private byte* _unit;

    /// <summary>The end of the block's units.</summary>
    private byte* _end;
    private ulong _tag;

    /// <summary>The next block to read, in <see cref="TraceThread.Blocks"/>.</summary>
    private int _nextBlock;
    private ulong _lastSequence;
    private ulong _lost;

    /// <summary>Of the last event that was decoded; a gap has this time.</summary>
    private ulong _lastTime;

    /// <summary>What is to be reported before the events of the block.</summary>
    private ulong _pendingLost;
    private ulong _pendingGap;

    /// <summary>An event that was decoded to know whether the one before it is in order.</summary>
    private TraceEvent _ahead;
    private bool _hasAhead;

    /// <summary>It is a single unit, which is in the buffer as it was.</summary>
    private bool _aheadIsUnit;

    /// <summary>
    /// Events that were reserved before those of a handler, and have later times: the outermost handler's first. So the last has the least time.
    /// </summary>
    private TraceEvent[] _held = [];
    private int _heldCount;

    /// <summary>Data of the event that was returned last, and of those in <see cref="_held"/>: their block may have been replaced.</summary>
    private byte*[] _data = [];

    /// <summary>True if an event was decoded ahead or is held back.</summary>
    private bool _isSlow;

    internal ThreadEvents(TraceFile file, TraceThread thread)
    {
        _file = file;
        _thread = thread;
        _baseTime = file.Header.Start.Time;
        _lastTime = thread.FirstTime;
        _buffer = (byte*)NativeMemory.Alloc((nuint)file.Header.BlockSize);
        _unit = _end = _buffer;
    }

    public void Dispose()
    {
        NativeMemory.Free(_buffer);
        foreach (byte* data in _data)
        {
            NativeMemory.Free(data);
        }

        _buffer = _unit = _end = null;
        _data = [];
        _nextBlock = int.MaxValue;
        _isSlow = _hasAhead = false;
        _heldCount = 0;
    }

    /// <summary>Gets the next event. False: there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Next(out TraceEvent e)
    {
        byte* unit = _unit;
        if (!_isSlow && unit + UnitSize < _end)
        {
            ulong first = *(ulong*)unit;
            ulong second = *(ulong*)(unit + 8);
            ulong following = *(ulong*)(unit + UnitSize);

            // A call, and what follows was written and is not earlier: if the tags are equal, whole words compare as the times do.
            if (((first ^ _tag) & TagMask) == 0 && ((following ^ _tag) & TagMask) == 0 && (second & 15) != 0 && following >= first)
            {
                _unit = unit + UnitSize;
                DecodeCall(first, second, out e);
                return true;
            }
        }

        return NextSlowly(out e);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void DecodeCall(ulong first, ulong second, out TraceEvent e)
    {
        e.Time = TimeOf(first);
        e.Address = second >> 16 & ArgumentMask;
        e.DataStart = null;
        e.DataLength = 0;
        e.Thread = _thread.Index;
        e.Call = (ushort)second;
        e.Flags = 0;
        e.Kind = (EventKind)(second >> 63);
        _lastTime = e.Time;
    }

    /// <summary>The time of a unit, which has the lower 60 bits; it is near that in the header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong TimeOf(ulong first) => _baseTime + (ulong)((long)((first & ~TagMask) - (_baseTime << 4)) >> 4);

    private bool NextSlowly(out TraceEvent e)
    {
        while (true)
        {
            if (!_hasAhead && !Decode(out _ahead))
            {
                _isSlow = _heldCount > 1;
                return PopHeld(out e);
            }

            _hasAhead = true;
            _isSlow = true;
            if (_heldCount != 0 && _held[_heldCount - 1].Time <= _ahead.Time)
            {
                return PopHeld(out e);
            }

            e = _ahead;
            KeepData(ref e, MaxHeld);
            byte* unit = _unit;
            int block = _nextBlock;
            _hasAhead = Decode(out _ahead);
            if (_hasAhead && _ahead.Time < e.Time && _heldCount < MaxHeld)
            {
                Hold(in e);
                continue;
            }

            if (_hasAhead && block == _nextBlock && _aheadIsUnit)
            {
                // It is decoded once more, quickly.
                _unit = unit;
                _hasAhead = false;
            }

            _isSlow = _hasAhead || _heldCount != 0;
            return true;
        }
    }

    /// <summary>Gets the next event in the order of the file.</summary>
    private bool Decode(out TraceEvent e)
    {
        while (true)
        {
            _aheadIsUnit = false;
            if (TakePending(out e))
            {
                return true;
            }

            while (_unit < _end)
            {
                byte* unit = _unit;
                ulong first = *(ulong*)unit;
                ulong second = *(ulong*)(unit + 8);
                _unit += UnitSize;
                if (((first ^ _tag) & TagMask) != 0)
                {
                    continue; // was not written
                }

                if ((second & 15) != 0)
                {
                    _aheadIsUnit = true;
                    DecodeCall(first, second, out e);
                    return true;
                }

                if (DecodeOther(first, second, out e))
                {
                    _lastTime = e.Time;
                    return true;
                }
            }

            if (!LoadBlock())
            {
                return false;
            }
        }
    }

    /// <summary>An event that is not an entry or an exit, and its data. False: it is to be skipped; <see cref="_unit"/> is after it.</summary>
    private bool DecodeOther(ulong first, ulong second, out TraceEvent e)
    {
        ulong argument = second >> 16 & ArgumentMask;
        int following = (int)(second >> 8 & 255);
        var kind = (FileEventKind)(second >> 4 & 15);
        byte* data = _unit;
        e = new TraceEvent { Time = TimeOf(first), Address = argument, Thread = _thread.Index };
        if (kind == FileEventKind.Padding)
        {
            _unit += (long)Math.Min(argument, (ulong)(_end - _unit) / UnitSize) * UnitSize;
            return false;
        }

        // If the event is invalid, what follows is not events either.
        _unit += Math.Min(following, (_end - data) / UnitSize) * UnitSize;
        if (_unit != data + following * UnitSize)
        {
            return false;
        }

        for (byte* unit = data; unit < _unit; unit += UnitSize)
        {
            if (((*unit ^ _tag) & TagMask) != 0)
            {
                return false;
            }
        }

        // In place: what is read is never before what is written.
        for (int i = 0; i < following; i++)
        {
            Buffer.MemoryCopy(data + i * UnitSize + 1, data + i * UnitData, UnitData, UnitData);
        }

        e.DataStart = data;
        e.DataLength = following * UnitData;
        return Interpret(kind, ref e);
    }

    private static bool Interpret(FileEventKind kind, ref TraceEvent e)
    {
        const uint Tail = 1;
        const uint Unwound = 2;

        switch (kind)
        {
            case FileEventKind.End when e.DataLength >= 4:
                e.Call = *(ushort*)e.DataStart;
                e.Flags = *(ushort*)(e.DataStart + 2);
                e.DataLength = 0;
                e.Kind = (e.Flags & Unwound) != 0 ? EventKind.Unwound : EventKind.Exit;
                if ((e.Flags & (Tail | Unwound)) == Tail)
                {
                    e.Kind = EventKind.Tail;
                }

                return true;
            case FileEventKind.Mark:
                e.Kind = EventKind.Mark;
                e.DataLength = (int)Math.Min((ulong)e.DataLength, e.Address);
                e.Address = 0;
                return true;
            case FileEventKind.Sample:
                e.Kind = EventKind.Sample;
                break;
            case FileEventKind.Entry:
                e.Kind = EventKind.FunctionEntry;
                break;
            case FileEventKind.Lost:
                e.Kind = EventKind.Lost;
                return true;
            case FileEventKind.Switched:
                e.Kind = EventKind.Switched;
                return true;
            default:
                return false; // of a later version
        }

        return TraceEvent.HasEnoughData(e.Kind, e.DataLength);
    }

    private bool TakePending(out TraceEvent e)
    {
        e = new TraceEvent { Time = _lastTime, Thread = _thread.Index };
        if (_pendingLost != 0)
        {
            e.Kind = EventKind.Lost;
            e.Address = _pendingLost;
            _pendingLost = 0;
            return true;
        }

        if (_pendingGap != 0)
        {
            e.Kind = EventKind.Gap;
            e.Address = _pendingGap;
            _pendingGap = 0;
            return true;
        }

        return false;
    }

    private bool LoadBlock()
    {
        while (_nextBlock < _thread.Blocks.Count)
        {
            BlockEntry entry = _thread.Blocks[_nextBlock++];
            int length = _file.ReadBlock(entry, _thread, _buffer);
            if (length == 0)
            {
                continue; // it was written anew since the file was opened: a gap, if others follow
            }

            BlockHeader* header = (BlockHeader*)_buffer;
            _pendingLost = header->Lost > _lost ? header->Lost - _lost : 0;
            _pendingGap = _lastSequence != 0 && _pendingLost == 0 ? entry.Sequence - _lastSequence - 1 : 0;
            _lost = Math.Max(_lost, header->Lost);
            _lastSequence = entry.Sequence;
            _tag = BlockHeader.TagOf(entry.Sequence);
            _unit = _buffer + sizeof(BlockHeader);
            _end = _unit + (length - sizeof(BlockHeader)) / UnitSize * UnitSize;
            return true;
        }

        return false;
    }

    private void Hold(in TraceEvent e)
    {
        if (_held.Length == 0)
        {
            _held = new TraceEvent[MaxHeld];
        }

        // In order, should handlers not be nested: the least time is the last.
        int place = _heldCount++;
        TraceEvent held = e;
        KeepData(ref held, place);
        _held[place] = held;
    }

    /// <summary>The held event with the least time. False: there is none.</summary>
    private bool PopHeld(out TraceEvent e)
    {
        if (_heldCount == 0)
        {
            e = default;
            return false;
        }

        e = _held[--_heldCount];
        return true;
    }

    /// <summary>Copies the data of an event to where it stays when the block is replaced.</summary>
    private void KeepData(ref TraceEvent e, int place)
    {
        const int MaxData = 255 * UnitData;

        if (e.DataLength == 0)
        {
            return;
        }

        if (_data.Length == 0)
        {
            _data = new byte*[MaxHeld + 1];
        }

        if (_data[place] == null)
        {
            _data[place] = (byte*)NativeMemory.Alloc(MaxData);
        }

        Buffer.MemoryCopy(e.DataStart, _data[place], MaxData, e.DataLength);
        e.DataStart = _data[place];
    }
}
