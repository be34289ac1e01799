using System.Numerics;

namespace Ftrace.Tool.Reports;

/// <summary>For each thread and function the innermost call that is under way: a hash table, bounded by the number of calls.</summary>
internal sealed class OpenCalls
{
    private const int MinSize = 1 << 10;
    private const int AddressBits = 47;

    /// <summary>Beyond these, two threads could be taken for one, if both are in the same function at the same time.</summary>
    private const int MaxThreads = (1 << (64 - AddressBits)) - 1;

    private Entry[] _entries = new Entry[MinSize];
    private int _shift = 64 - BitOperations.Log2(MinSize);
    private int _count;

    /// <summary>Puts a call in. Returns the one that was innermost before; 0: none.</summary>
    /// <param name="thread">Index of the thread.</param>
    /// <param name="address">Of the function.</param>
    /// <param name="call">Its number, not 0.</param>
    /// <param name="place">A hint for <see cref="Find(int, ulong, int)"/>.</param>
    public int Push(int thread, ulong address, int call, out int place)
    {
        ulong key = Key(thread, address);
        Entry[] entries = _entries;
        int mask = entries.Length - 1;
        for (int i = Home(key); ; i = (i + 1) & mask)
        {
            ref Entry entry = ref entries[i];
            place = i;
            if (entry.Key == key)
            {
                int before = entry.Call;
                entry.Call = call;
                return before;
            }

            if (entry.Key == 0)
            {
                entry.Key = key;
                entry.Call = call;
                if (++_count * 2 > entries.Length)
                {
                    Grow();
                }

                return 0;
            }
        }
    }

    /// <summary>The place of a function's innermost call.</summary>
    /// <param name="thread">Index of the thread.</param>
    /// <param name="address">Of the function.</param>
    /// <param name="place">Where it was put; it can have moved.</param>
    public int Find(int thread, ulong address, int place)
    {
        ulong key = Key(thread, address);
        return _entries[place].Key == key ? place : Find(key);
    }

    /// <summary>The innermost call; 0: none.</summary>
    public ref int Innermost(int place) => ref _entries[place].Call;

    /// <summary>Removes the last call of a function.</summary>
    public void Remove(int place)
    {
        Entry[] entries = _entries;
        int mask = entries.Length - 1;
        int hole = place;
        if (entries[hole].Key == 0)
        {
            return;
        }

        // Entries after the hole move into it, if they would no longer be found.
        for (int i = (hole + 1) & mask; entries[i].Key != 0; i = (i + 1) & mask)
        {
            int home = Home(entries[i].Key);
            if (((i - home) & mask) >= ((i - hole) & mask))
            {
                entries[hole] = entries[i];
                hole = i;
            }
        }

        entries[hole] = default;
        _count--;
    }

    private int Find(ulong key)
    {
        int mask = _entries.Length - 1;
        int i = Home(key);
        while (_entries[i].Key != key && _entries[i].Key != 0)
        {
            i = (i + 1) & mask;
        }

        return i;
    }

    /// <summary>Addresses have 47 bits. Not 0.</summary>
    private static ulong Key(int thread, ulong address) => (ulong)(thread % MaxThreads + 1) << AddressBits | address;

    private int Home(ulong key) => (int)(key * 0x9E3779B97F4A7C15 >> _shift);

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = new Entry[old.Length * 2];
        _shift--;
        foreach (Entry entry in old)
        {
            if (entry.Key != 0)
            {
                _entries[Find(entry.Key)] = entry;
            }
        }
    }

    private struct Entry
    {
        public ulong Key;
        public int Call;
    }
}
