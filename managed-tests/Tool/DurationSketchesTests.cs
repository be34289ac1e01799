using System;
using System.Collections.Generic;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Quantiles against exact ones.</summary>
[TestFixture]
public sealed class DurationSketchesTests
{
    private const double MaxError = 1.0 / 128;

    [TestCase("uniform", 1)]
    [TestCase("uniform", 31)]
    [TestCase("uniform", 32)]
    [TestCase("uniform", 33)]
    [TestCase("uniform", 64)]
    [TestCase("uniform", 65)]
    [TestCase("uniform", 20_000)]
    [TestCase("exponential", 20_000)]
    [TestCase("all sizes", 20_000)]
    [TestCase("two", 20_000)]
    [TestCase("the same", 20_000)]
    public void QuantilesAreNearTheExactOnes(string kind, int count)
    {
        var random = new Random(count);
        using var sketches = new DurationSketches();
        var series = new DurationSeries();
        var values = new List<ulong>();
        for (int i = 0; i < count; i++)
        {
            ulong value = kind switch
            {
                "uniform" => (ulong)random.NextInt64(1_000_000),
                "exponential" => (ulong)(-Math.Log(1 - random.NextDouble()) * 50_000),
                "all sizes" => (ulong)random.NextInt64() >> random.Next(63),
                "two" => random.Next(100) < 98 ? 1000UL : 1_000_000_000,
                _ => 123_456,
            };
            sketches.Add(ref series, (ulong)i, value);
            values.Add(value);
        }

        values.Sort();
        foreach (uint percent in (uint[])[1, 10, 50, 90, 99, 100])
        {
            ulong exact = values[Math.Max((int)((count * percent + 99) / 100), 1) - 1];
            ulong found = sketches.Quantile(ref series, (ulong)count, percent)!.Value;
            double error = exact == found ? 0 : Math.Abs((double)found - exact) / exact;
            Assert.That(error, Is.LessThanOrEqualTo(count <= DurationSketches.MaxExact ? 0 : MaxError), $"{percent} %: {found} instead of {exact}");
        }
    }

    /// <summary>Each bucket's bounds: nothing is counted in a neighbour.</summary>
    [Test]
    public void EveryPowerOfTwoHasBuckets()
    {
        for (int power = 0; power < 64; power++)
        {
            foreach (ulong value in (ulong[])[(1UL << power) - 1, 1UL << power, (1UL << power) + 1])
            {
                using var sketches = new DurationSketches(1 << 20);
                var series = new DurationSeries();
                for (ulong i = 0; i < 40; i++)
                {
                    sketches.Add(ref series, i, value);
                }

                ulong found = sketches.Quantile(ref series, 40, 50)!.Value;
                ulong error = found > value ? found - value : value - found;
                Assert.That(error, Is.LessThanOrEqualTo(value / 128), $"{value}");
            }
        }
    }

    [Test]
    public void SmallValuesAreExact()
    {
        using var sketches = new DurationSketches();
        for (ulong value = 0; value < 128; value++)
        {
            var series = new DurationSeries();
            for (ulong i = 0; i < 100; i++)
            {
                sketches.Add(ref series, i, value);
            }

            Assert.That(sketches.Quantile(ref series, 100, 50), Is.EqualTo(value));
        }
    }

    [Test]
    public void WithoutMemoryThereAreNoQuantiles()
    {
        // 64 KB are 256 chunks of 256 bytes: a few series have room, whatever the others get.
        using var sketches = new DurationSketches(1 << 16);
        var series = new DurationSeries[100];
        for (int i = 0; i < series.Length; i++)
        {
            for (ulong n = 0; n < 100; n++)
            {
                sketches.Add(ref series[i], n, 1UL << (int)(n % 40));
            }
        }

        Assert.That(sketches.Quantile(ref series[0], 100, 50), Is.Not.Null);
        Assert.That(sketches.Quantile(ref series[99], 100, 50), Is.Null);
    }
}
