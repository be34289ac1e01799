using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Ftrace.Tool.Reports;

/// <summary>
/// Quantiles of many series of durations in bounded memory. The relative error is at most 1/128, less than 0.8 %: a histogram whose
/// buckets divide each power of two into 64 parts (as HdrHistogram's do). Values below 128, and all of a series of at most 32, are exact.
/// </summary>
/// <remarks>
/// Memory is handed out in chunks. The histogram of a series is a table of chunks, one for each power of two that occurs. The histograms of
/// a thousand functions do not fit into a cache of the processor, so values are collected, and counted 32 at a time: then it waits for
/// many places at once.
/// </remarks>
internal sealed unsafe class DurationSketches : IDisposable
{
    public const int MaxExact = ChunkWords / 2;

    private const int BucketBits = 6;
    private const int ChunkWords = 1 << BucketBits;
    private const int DefaultMemory = 96 << 20;

    private readonly ZeroedPages _pages;
    private readonly uint* _words;
    private readonly int _chunkLimit;

    /// <summary>How often a counter has overflown.</summary>
    private readonly Dictionary<long, ulong> _carries = [];

    /// <summary>0 means none.</summary>
    private int _chunkCount = 1;

    public DurationSketches(int memory = DefaultMemory)
    {
        _chunkLimit = memory / (ChunkWords * sizeof(uint));
        _pages = new ZeroedPages((nuint)memory);
        _words = (uint*)_pages.Start;
    }

    /// <summary>Adds a value to a series.</summary>
    /// <param name="series">The default for a new one.</param>
    /// <param name="count">How many values it has already.</param>
    /// <param name="value">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ref DurationSeries series, ulong count, ulong value)
    {
        int place = (int)(count % MaxExact);
        if (place == 0 && !TryBegin(ref series, count))
        {
            return;
        }

        if (series.Latest > 0)
        {
            ((ulong*)Chunk(series.Latest))[place] = value;
        }
    }

    /// <summary>Tells the processor that a value will be added to a series soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(in DurationSeries series, ulong count)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0((ulong*)Chunk(series.Latest) + count % MaxExact);
        }
    }

    /// <summary>The least value that at least so many percent of the values do not exceed. Null: there was no memory for the series.</summary>
    /// <remarks>No value can be added to the series any more.</remarks>
    public ulong? Quantile(ref DurationSeries series, ulong count, uint percent)
    {
        if (count == 0 || series.Latest < 0)
        {
            return null;
        }

        ulong rank = Math.Max((ulong)(((UInt128)count * percent + 99) / 100), 1);
        if (count <= MaxExact)
        {
            Span<ulong> values = stackalloc ulong[MaxExact];
            values = values[..(int)count];
            new Span<ulong>(Chunk(series.Latest), (int)count).CopyTo(values);
            values.Sort();
            return values[(int)rank - 1];
        }

        if (series.Latest != 0)
        {
            CountLatest(ref series, (int)((count - 1) % MaxExact) + 1);
            if (series.Latest < 0)
            {
                return null;
            }

            series.Latest = 0;
        }

        uint* table = Chunk(series.Table);
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

    public void Dispose() => _pages.Dispose();

    /// <summary>Makes room for the next values. False: there is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryBegin(ref DurationSeries series, ulong count)
    {
        if (count != 0)
        {
            CountLatest(ref series, MaxExact);
        }
        else
        {
            series.Latest = NewChunk();
        }

        return series.Latest > 0;
    }

    private void CountLatest(ref DurationSeries series, int count)
    {
        if (series.Latest < 0)
        {
            return;
        }

        if (series.Table == 0)
        {
            series.Table = NewChunk();
            if (series.Table < 0)
            {
                series.Latest = -1;
                return;
            }
        }

        uint* table = Chunk(series.Table);
        ulong* values = (ulong*)Chunk(series.Latest);
        uint** counters = stackalloc uint*[MaxExact];
        for (int i = 0; i < count; i++)
        {
            ulong value = values[i];
            int power = BitOperations.Log2(value | ChunkWords / 2) - (BucketBits - 1);
            int bucket = (int)(value >> Math.Max(power - 1, 0)) & (ChunkWords - 1);
            if (table[power] == 0)
            {
                int chunk = NewChunk();
                if (chunk < 0)
                {
                    series.Latest = -1;
                    return;
                }

                table[power] = (uint)chunk;
            }

            counters[i] = Chunk((int)table[power]) + bucket;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(counters[i]);
            }
        }

        for (int i = 0; i < count; i++)
        {
            if (++*counters[i] == 0)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_carries, counters[i] - _words, out _)++;
            }
        }
    }

    private int NewChunk() => _chunkCount < _chunkLimit ? _chunkCount++ : -1;

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
