using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace Ftrace.Tool.Reading;

/// <summary>Converts times of events to nanoseconds.</summary>
internal sealed class ClockConverter
{
    /// <summary>Bits after the point in a rate.</summary>
    private const int FractionBits = 60;

    /// <summary>Pairs that are nearer to each other give no rate.</summary>
    private const ulong MinDistance = 1_000_000;

    /// <summary>Bits after the point in <see cref="_shortRate"/>; with <see cref="MaxShort"/>, a product has 64 bits.</summary>
    private const int ShortBits = 32;
    private const ulong MaxShort = 1 << 28;

    private readonly bool _isTsc;
    private readonly List<ClockPair> _pairs = [];

    /// <summary>Nanoseconds for each unit of time, after the pair of the same index.</summary>
    private readonly List<ulong> _rates = [];
    private int _last;

    /// <summary>Between these times, a short duration is multiplied with this rate.</summary>
    private ulong _shortFrom = ulong.MaxValue;
    private ulong _shortTo;
    private ulong _shortRate;

    /// <param name="isTsc">False: times are nanoseconds already.</param>
    /// <param name="pairs">In any order.</param>
    /// <param name="frequency">Of the TSC, for when the pairs give no rate; 0: not known.</param>
    public ClockConverter(bool isTsc, IEnumerable<ClockPair> pairs, double frequency)
    {
        _isTsc = isTsc;
        var sorted = new List<ClockPair>(pairs);
        sorted.Sort((a, b) => a.Time.CompareTo(b.Time));
        foreach (ClockPair pair in sorted)
        {
            if (_pairs.Count == 0 || (pair.Monotonic >= _pairs[^1].Monotonic + MinDistance && pair.Time > _pairs[^1].Time))
            {
                _pairs.Add(pair);
            }
        }

        if (_pairs.Count == 0)
        {
            _pairs.Add(default);
        }

        for (int i = 0; i + 1 < _pairs.Count; i++)
        {
            _rates.Add(Fraction((_pairs[i + 1].Monotonic - _pairs[i].Monotonic) / (double)(_pairs[i + 1].Time - _pairs[i].Time)));
        }

        bool isKnown = _rates.Count != 0 || (frequency >= 1e8 && frequency <= 1e11);
        IsRateKnown = !isTsc || isKnown;
        if (_rates.Count == 0)
        {
            _rates.Add(Fraction(isTsc && isKnown ? 1e9 / frequency : 1));
        }
        else
        {
            _rates.Add(_rates[^1]);
        }
    }

    /// <summary>False: there is one pair and no option <c>tsc_hz</c>; a unit of time is then taken for a nanosecond.</summary>
    public bool IsRateKnown { get; }

    /// <summary>Nanoseconds of <c>CLOCK_MONOTONIC</c>.</summary>
    public ulong ToMonotonic(ulong time)
    {
        if (!_isTsc)
        {
            return time;
        }

        int i = PairBefore(time);
        ClockPair pair = _pairs[i];
        ulong rate = _rates[i];
        return time >= pair.Time ? pair.Monotonic + Scale(time - pair.Time, rate) : pair.Monotonic - Scale(pair.Time - time, rate);
    }

    /// <summary>Nanoseconds since 1970, UTC.</summary>
    public ulong ToRealtime(ulong time)
    {
        ClockPair pair = _pairs[PairBefore(time)];
        return ToMonotonic(time) + (pair.Realtime - pair.Monotonic);
    }

    /// <summary>Nanoseconds from one time to a later one, rounded; 0 if it is not later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Between(ulong from, ulong to)
    {
        ulong time = to - from;
        return time < MaxShort && from >= _shortFrom && to < _shortTo
            ? (time * _shortRate + (1UL << (ShortBits - 1))) >> ShortBits
            : BetweenSlowly(from, to);
    }

    /// <summary>The time of an event at so many nanoseconds of <c>CLOCK_MONOTONIC</c>; the reverse of <see cref="ToMonotonic"/>.</summary>
    public ulong FromMonotonic(ulong nanoseconds)
    {
        if (!_isTsc)
        {
            return nanoseconds;
        }

        int i = 0;
        while (i + 1 < _pairs.Count && _pairs[i + 1].Monotonic <= nanoseconds)
        {
            i++;
        }

        double rate = _rates[i] / (double)(1UL << FractionBits);
        ClockPair pair = _pairs[i];
        return nanoseconds >= pair.Monotonic
            ? pair.Time + (ulong)((nanoseconds - pair.Monotonic) / rate)
            : pair.Time - Math.Min(pair.Time, (ulong)((pair.Monotonic - nanoseconds) / rate));
    }

    private ulong BetweenSlowly(ulong from, ulong to)
    {
        if (to <= from)
        {
            return 0;
        }

        if (!_isTsc)
        {
            return to - from;
        }

        int i = PairBefore(from);
        _shortFrom = i == 0 ? 0 : _pairs[i].Time;
        _shortTo = i + 1 == _pairs.Count ? ulong.MaxValue : _pairs[i + 1].Time;
        _shortRate = _rates[i] >> (FractionBits - ShortBits);
        return to <= _shortTo ? Scale(to - from, _rates[i]) : ToMonotonic(to) - ToMonotonic(from);
    }

    /// <summary>The last pair that is not later; the first, if all are.</summary>
    private int PairBefore(ulong time)
    {
        int i = _last;
        while (i > 0 && _pairs[i].Time > time)
        {
            i--;
        }

        while (i + 1 < _pairs.Count && _pairs[i + 1].Time <= time)
        {
            i++;
        }

        _last = i;
        return i;
    }

    private static ulong Fraction(double rate) => (ulong)(Math.Clamp(rate, 1e-3, 15) * (1UL << FractionBits));

    private static ulong Scale(ulong time, ulong rate)
    {
        ulong high = Math.BigMul(time, rate, out ulong low);
        return (high << (64 - FractionBits) | low >> FractionBits) + (low >> (FractionBits - 1) & 1); // rounded
    }
}
