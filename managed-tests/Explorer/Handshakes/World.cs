using System;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>A state: the words, and for each thread its store buffer and its contexts. Two are equal if all of that is.</summary>
internal sealed class World : IEquatable<World>
{
    public const int MaxBuffered = 6;

    private const int MaxDepth = 4;
    private const int StoreSize = 4; // word, size, value
    private const int Buffered = 0;
    private const int Stores = 1;
    private const int Depth = Stores + MaxBuffered * StoreSize;
    private const int Frames = Depth + 1;
    private const int Pending = Frames + MaxDepth;
    private const int Sleeping = Pending + 1;
    private const int Ended = Sleeping + 1;
    private const int Budget = Ended + 1;
    private const int ThreadSize = Budget + 1;

    private readonly int _words;
    private readonly int _notes;
    private readonly ushort[] _data;

    public World(int words, int notes, int threads)
    {
        _words = words;
        _notes = notes;
        Threads = threads;
        _data = new ushort[words + notes + threads * ThreadSize];
    }

    private World(World from)
    {
        _words = from._words;
        _notes = from._notes;
        Threads = from.Threads;
        _data = (ushort[])from._data.Clone();
    }

    public int Threads { get; }

    public World Clone() => new(this);

    /// <summary>What memory has.</summary>
    public ulong Load(int word, int size) => size == 1 ? _data[word] : _data[word] | (ulong)_data[word + 1] << 32;

    public void Store(int word, int size, ulong value)
    {
        _data[word] = checked((ushort)(value & uint.MaxValue));
        if (size == 2)
        {
            _data[word + 1] = checked((ushort)(value >> 32));
        }
    }

    /// <summary>What a thread would read: its own last store, if it is still buffered.</summary>
    public ulong Load(int thread, int word, int size)
    {
        ulong value = Load(word, size);
        for (int i = 0; i < BufferedBy(thread); i++)
        {
            int at = At(thread, Stores + i * StoreSize);
            for (int half = 0; half < size; half++)
            {
                int distance = word + half - _data[at];
                if (distance >= 0 && distance < _data[at + 1])
                {
                    value = value & ~(uint.MaxValue * (1ul << 32 * half)) | (ulong)_data[at + 2 + distance] << 32 * half;
                }
            }
        }

        return value;
    }

    /// <summary>What the rules keep in mind.</summary>
    public ref ushort Note(int note) => ref _data[_words + note];

    public int BufferedBy(int thread) => _data[At(thread, Buffered)];

    public void Buffer(int thread, int word, int size, ulong value)
    {
        int at = At(thread, Stores + _data[At(thread, Buffered)]++ * StoreSize);
        (_data[at], _data[at + 1]) = ((ushort)word, (ushort)size);
        (_data[at + 2], _data[at + 3]) = (checked((ushort)(value & uint.MaxValue)), checked((ushort)(value >> 32)));
    }

    /// <summary>The oldest store reaches memory.</summary>
    public void Flush(int thread)
    {
        int at = At(thread, Stores);
        Store(_data[at], _data[at + 1], _data[at + 2] | (ulong)_data[at + 3] << 32);
        int rest = --_data[At(thread, Buffered)] * StoreSize;
        _data.AsSpan(at + StoreSize, rest).CopyTo(_data.AsSpan(at));
        _data.AsSpan(at + rest, StoreSize).Clear();
    }

    public int DepthOf(int thread) => _data[At(thread, Depth)];

    /// <summary>Where a context is; the topmost is at <see cref="DepthOf"/> - 1.</summary>
    public ref ushort Frame(int thread, int depth) => ref _data[At(thread, Frames + depth)];

    public ref ushort Top(int thread) => ref Frame(thread, DepthOf(thread) - 1);

    public void Push(int thread, int place)
    {
        int depth = _data[At(thread, Depth)]++;
        Frame(thread, depth) = checked((ushort)place);
    }

    public void Pop(int thread)
    {
        Top(thread) = 0;
        _data[At(thread, Depth)]--;
    }

    /// <summary>Signals that wait for a thread.</summary>
    public ref ushort PendingOf(int thread) => ref _data[At(thread, Pending)];

    /// <summary>The word on which a thread sleeps, plus 1.</summary>
    public ref ushort SleepOf(int thread) => ref _data[At(thread, Sleeping)];

    public ref ushort EndedOf(int thread) => ref _data[At(thread, Ended)];

    /// <summary>Interrupts that may still come.</summary>
    public ref ushort BudgetOf(int thread) => ref _data[At(thread, Budget)];

    public bool Equals(World? other) => other != null && _data.AsSpan().SequenceEqual(other._data);

    public override bool Equals(object? obj) => Equals(obj as World);

    public override int GetHashCode()
    {
        uint hash = 2166136261;
        foreach (ushort value in _data)
        {
            hash = (hash ^ value) * 16777619;
        }

        return (int)hash;
    }

    private int At(int thread, int offset) => _words + _notes + thread * ThreadSize + offset;
}
