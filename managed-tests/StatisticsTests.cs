using System;
using System.Text;
using Ftrace.Exports;
using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Text;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>The counters as text, and as a structure.</summary>
public sealed unsafe class StatisticsTests
{
    [TestCase(0u, 0u, "0 0")]
    [TestCase(7u, 1234u, "7 1234")]
    [TestCase(uint.MaxValue, uint.MaxValue, "4294967295 4294967295")]
    public void CountersAreText(uint waits, uint updates, string expected)
    {
        var protocol = new ProtocolState { NmiWaitCount = waits, NmiUpdateCount = updates };
        byte[] buffer = new byte[64];
        Assert.That(Statistics.FormatDynInfo(buffer, &protocol), Is.EqualTo(expected.Length));
        Assert.That(Encoding.ASCII.GetString(buffer, 0, expected.Length + 1), Is.EqualTo(expected + "\0"));
    }

    [Test]
    public void ShortBufferIsFilledAsSnprintfDoes()
    {
        var protocol = new ProtocolState { NmiWaitCount = 12, NmiUpdateCount = 345 };
        for (int size = 0; size < 10; size++)
        {
            byte[] buffer = new byte[10];
            buffer.AsSpan().Fill(0xaa);
            Assert.That(Statistics.FormatDynInfo(buffer.AsSpan(0, size), &protocol), Is.EqualTo(6));
            int kept = Math.Min(6, size - 1);
            for (int i = 0; i < buffer.Length; i++)
            {
                int expected = i < kept ? "12 345"[i] : i == kept ? 0 : 0xaa;
                Assert.That(buffer[i], Is.EqualTo(expected), $"size {size}, byte {i}");
            }
        }
    }

    [Test]
    public void EveryCounterHasItsPlace()
    {
        var patch = new PatchState { Patches = 1 };
        var stop = new StopState { Stops = 2, StoppedThreads = 3, LastStopNs = 4, MaxStopNs = 5, DeferredStops = 8, MaskedStops = 9 };
        var protocol = new ProtocolState { NmiWaitCount = 6, NmiUpdateCount = 7 };
        var traps = new TrapState { Hits = 10 };
        TextState text = default;
        FtraceStats stats;
        Statistics.Fill(&stats, &protocol, &stop, &traps, &text, &patch);
        ulong* counters = (ulong*)&stats + 1;
        for (ulong i = 1; i <= 10; i++)
        {
            Assert.That(counters[i - 1], Is.EqualTo(i));
        }

        Assert.That(stats.ManagedBytes, Is.Not.Zero);
    }
}
