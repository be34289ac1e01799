using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Times of events in nanoseconds.</summary>
[TestFixture]
public sealed class ClockConverterTests
{
    private const ulong Second = 1_000_000_000;

    [Test]
    public void NanosecondsStayAsTheyAre()
    {
        var clock = new ClockConverter(false, [new(5, 5, 1005)], 0);
        Assert.That(clock.ToMonotonic(ulong.MaxValue - 3), Is.EqualTo(ulong.MaxValue - 3));
        Assert.That(clock.ToRealtime(7), Is.EqualTo(1007));
        Assert.That(clock.FromMonotonic(9), Is.EqualTo(9));
        Assert.That(clock.IsRateKnown);
    }

    [Test]
    public void TheRateBetweenTwoPairsIsConstant()
    {
        // 3 GHz for a second, then 2 GHz.
        var clock = new ClockConverter(true, [new(6 * Second, Second, 0), new(11 * Second, 3 * Second, 0), new(9 * Second, 2 * Second, 0)], 1e9);
        Assert.That(clock.ToMonotonic(6 * Second), Is.EqualTo(Second));
        Assert.That(clock.ToMonotonic(6 * Second + 3000), Is.EqualTo(Second + 1000).Within(1));
        Assert.That(clock.ToMonotonic(9 * Second), Is.EqualTo(2 * Second));
        Assert.That(clock.ToMonotonic(9 * Second + 2000), Is.EqualTo(2 * Second + 1000).Within(1));
        Assert.That(clock.ToMonotonic(6 * Second - 3000), Is.EqualTo(Second - 1000).Within(1), "before the first");
        Assert.That(clock.ToMonotonic(13 * Second), Is.EqualTo(4 * Second).Within(1), "after the last");
        Assert.That(clock.Between(8 * Second, 10 * Second), Is.EqualTo(Second / 3 + Second / 2).Within(1));
        Assert.That(clock.Between(10 * Second, 8 * Second), Is.Zero);
        Assert.That(clock.FromMonotonic(2 * Second + 1000), Is.EqualTo(9 * Second + 2000).Within(2));
    }

    [Test]
    public void ADayLaterTheErrorIsANanosecond()
    {
        const ulong Day = 86400 * Second;
        var clock = new ClockConverter(true, [new(0, 0, 0), new(3 * Day, Day, 0)], 0);
        Assert.That(clock.ToMonotonic(3 * Day - 3), Is.EqualTo(Day - 1).Within(1));
        Assert.That(clock.ToMonotonic(30 * Day), Is.EqualTo(10 * Day).Within(20));
    }

    [Test]
    public void OnePairNeedsTheFrequency()
    {
        var clock = new ClockConverter(true, [new(1000, Second, 0), new(2000, Second + 999_999, 0)], 2.5e9);
        Assert.That(clock.IsRateKnown);
        Assert.That(clock.ToMonotonic(1000 + 2500), Is.EqualTo(Second + 1000).Within(1));
        foreach (double frequency in (double[])[0, -1, double.NaN, double.PositiveInfinity, 1e30])
        {
            clock = new ClockConverter(true, [new(1000, Second, 0)], frequency);
            Assert.That(clock.IsRateKnown, Is.False);
            Assert.That(clock.ToMonotonic(1010), Is.EqualTo(Second + 10).Within(1));
        }
    }

    [Test]
    public void UtcFollowsTheClockWhenItIsSet()
    {
        var clock = new ClockConverter(false, [new(10 * Second, 10 * Second, 100 * Second), new(20 * Second, 20 * Second, 500 * Second)], 0);
        Assert.That(clock.ToRealtime(15 * Second), Is.EqualTo(105 * Second));
        Assert.That(clock.ToRealtime(25 * Second), Is.EqualTo(505 * Second));
        Assert.That(clock.ToRealtime(5 * Second), Is.EqualTo(95 * Second));
    }

    [Test]
    public void PairsThatAreWrongAreHarmless()
    {
        var clock = new ClockConverter(true, [new(5, ulong.MaxValue, 0), new(5, 0, 0), new(ulong.MaxValue, 1, 0), new(0, 7, 0)], 0);
        foreach (ulong time in (ulong[])[0, 1, 5, 6, ulong.MaxValue / 2, ulong.MaxValue])
        {
            clock.ToMonotonic(time);
            clock.ToRealtime(time);
            clock.FromMonotonic(time);
        }

        Assert.That(new ClockConverter(true, [], 0).ToMonotonic(5), Is.EqualTo(5).Within(1));
    }
}
