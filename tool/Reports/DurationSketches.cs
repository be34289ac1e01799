using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Reports;

/// <summary>
/// Quantiles of many series of durations in bounded memory. The relative error is at most 1/128, less than 0.8 %: a histogram whose
/// buckets divide each power of two into 64 parts (as HdrHistogram's do). Values below 128, and all of a series of at most 32, are exact.
/// </summary>
/// <remarks>
/// Memory is handed out in chunks. The first chunk of a series has its values; when there are more, it becomes a table of further chunks,
/// one for each power of two that occurs.
/// </remarks>
internal sealed unsafe class DurationSketches : IDisposable
{
    public const int MaxExact = ChunkWords / 2;

    private const int BucketBits = 6;
    private const int ChunkWords = 1 << BucketBits;
    private const int DefaultMemory = 96 << 20;

    private readonly uint* _words;
    private readonly int _chunkLimit;

    /// <summary>How often a counter has overflown.</summary>
    private readonly Dictionary<long, ulong> _carries = [];

    /// <summary>0 means none.</summary>
    private int _chunkCount = 1;

    public DurationSketches(int memory = DefaultMemory)
    {
        _chunkLimit = memory / (ChunkWords * sizeof(uint));
        _words = (uint*)NativeMemory.AllocZeroed((nuint)_chunkLimit, ChunkWords * sizeof(uint)); // pages that are not used take no memory
    }

    /// <summary>Adds a value to a series.</summary>
    /// <param name="series">0 for a new one. Negative: there was no memory for it.</param>
    /// <param name="count">How many values it has already.</param>
    /// <param name="value">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ref int series, ulong count, ulong value)
    {
        if (count > MaxExact && series > 0)
        {
            Count(ref series, value);
            return;
        }

        AddExact(ref series, count, value);
    }

    /// <summary>The least value that at least so many percent of the values do not exceed. Null: there was no memory for the series.</summary>
    public ulong? Quantile(int series, ulong count, uint percent)
    {
        if (series <= 0 || count == 0)
        {
            return null;
        }

        ulong rank = (ulong)(((UInt128)count * percent + 99) / 100);
        rank = Math.Max(rank, 1);
        if (count <= MaxExact)
        {
            Span<ulong> values = stackalloc ulong[MaxExact];
            values = values[..(int)count];
            new Span<ulong>(Chunk(series), (int)count).CopyTo(values);
            values.Sort();
            return values[(int)rank - 1];
        }

        uint* table = Chunk(series);
        for (int power = 0; power < ChunkWords; power++)
        {
            uint chunk = table[power];
            for (int bucket = 0; chunk != 0 && bucket < ChunkWords; bucket++)
            {
                ulong inBucket = CountOf(chunk, bucket);
                if (inBucket >= rank)
                {
                    return Middle(power, bucket);
                }

                rank -= inBucket;
            }
        }

        return null;
    }

    public void Dispose() => NativeMemory.Free(_words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Count(ref int series, ulong value)
    {
        int power = BitOperations.Log2(value | ChunkWords / 2) - (BucketBits - 1);
        int bucket = (int)(value >> Math.Max(power - 1, 0)) & (ChunkWords - 1);
        uint chunk = Chunk(series)[power];
        if (chunk == 0 && !TryNewChunk(ref series, power, out chunk))
        {
            return;
        }

        if (++Chunk((int)chunk)[bucket] == 0)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_carries, (long)chunk * ChunkWords + bucket, out _)++;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddExact(ref int series, ulong count, ulong value)
    {
        if (series == 0 && count == 0)
        {
            series = _chunkCount < _chunkLimit ? _chunkCount++ : -1;
        }

        if (series < 0)
        {
            return;
        }

        if (count < MaxExact)
        {
            ((ulong*)Chunk(series))[count] = value;
            return;
        }

        Span<ulong> values = stackalloc ulong[MaxExact];
        var words = new Span<ulong>(Chunk(series), MaxExact);
        words.CopyTo(values);
        words.Clear();
        foreach (ulong earlier in values)
        {
            if (series > 0)
            {
                Count(ref series, earlier);
            }
        }

        if (series > 0)
        {
            Count(ref series, value);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryNewChunk(ref int series, int power, out uint chunk)
    {
        if (_chunkCount == _chunkLimit)
        {
            series = -1;
            chunk = 0;
            return false;
        }

        chunk = (uint)_chunkCount++;
        Chunk(series)[power] = chunk;
        return true;
    }

    private ulong CountOf(uint chunk, int bucket)
    {
        ulong count = Chunk((int)chunk)[bucket];
        return _carries.TryGetValue((long)chunk * ChunkWords + bucket, out ulong carry) ? count + (carry << 32) : count;
    }

    private static ulong Middle(int power, int bucket)
    {
        if (power == 0)
        {
            return (ulong)bucket;
        }

        ulong width = 1UL << (power - 1);
        return (ulong)(ChunkWords + bucket) * width + width / 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint* Chunk(int number) => _words + (nint)number * ChunkWords;
}
