using System;
using System.Collections.Generic;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>How <see cref="CallTracker"/> pairs entries and exits.</summary>
[TestFixture]
public sealed class CallTrackerTests
{
    private const ulong Main = 0xa0;
    private const ulong F = 0xb0;
    private const ulong G = 0xc0;

    [Test]
    public void CallsAreNested()
    {
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F).Entry(1, 25, 3, G).Exit(1, 30, 3, G).Exit(1, 40, 2, F)
            .Entry(1, 50, 2, F).Exit(1, 70, 2, F)
            .Exit(1, 100, 1, Main)), Is.EqualTo((string[])
        [
            "c0 25-30 self 5 depth 2 in b0 Returned",
            "b0 20-40 self 15 depth 1 in a0 Returned",
            "b0 50-70 self 20 depth 1 in a0 Returned",
            "a0 10-100 self 50 depth 0 Returned",
        ]));
    }

    [Test]
    public void AllEndsAreTold()
    {
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F).EndOfCall(1, 30, 2, F, 1)
            .Entry(1, 31, 2, G).EndOfCall(1, 35, 2, G, 2)
            .Entry(1, 40, 4, F)), Is.EqualTo((string[])
        [
            "b0 20-30 self 10 depth 1 in a0 Tail",
            "c0 31-35 self 4 depth 1 in a0 Unwound",
            "b0 40-40 self 0 depth 1 in a0 Unfinished",
            "a0 10-40 self 0 depth 0 Unfinished",
        ]));
    }

    [Test]
    public void ARingCanBeginWithExits()
    {
        Assert.That(Calls(New()
            .Exit(1, 5, 3, G)
            .Entry(1, 6, 3, G).Exit(1, 8, 3, G)
            .Exit(1, 10, 2, F)
            .Exit(1, 20, 1, Main)), Is.EqualTo((string[])
        [
            "c0 ?-5 Returned",
            "c0 6-8 self 2 depth 0 Returned",
            "b0 ?-10 Returned",
            "a0 ?-20 Returned",
        ]));
    }

    [Test]
    public void FibersReturnInAnyOrder()
    {
        // F switches to a stack on which G runs, and comes back before G has returned.
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F)
            .Entry(1, 30, 3, G)
            .Exit(1, 40, 2, F)
            .Entry(1, 45, 2, F).Exit(1, 46, 2, F)
            .Exit(1, 50, 3, G)
            .Exit(1, 60, 1, Main)), Is.EqualTo((string[])
        [
            "b0 20-40 self 20 depth 1 in a0 Returned",
            "b0 45-46 self 1 depth 3 in c0 Returned",
            "c0 30-50 self 19 depth 2 in a0 Returned",
            "a0 10-60 self 10 depth 0 Returned",
        ]));
    }

    [Test]
    public void ACallCanEndInAnotherThread()
    {
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F)
            .Entry(2, 15, 16 + 1, Main)
            .Exit(2, 30, 2, F)
            .Exit(1, 40, 1, Main)
            .Exit(2, 50, 17, Main)), Is.EqualTo((string[])
        [
            "b0 20-30 self 10 depth 1 in a0 Returned thread 0-1",
            "a0 10-40 self 20 depth 0 Returned",
            "a0 15-50 self 35 depth 0 Returned thread 1-1",
        ]));
    }

    [Test]
    public void ANumberThatIsUsedAgainEndsTheCall()
    {
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F)
            .Entry(1, 30, 2, G).Exit(1, 35, 2, G)
            .Exit(1, 40, 1, Main)), Is.EqualTo((string[])
        [
            "b0 20-30 self 0 depth 1 in a0 NotSeen",
            "c0 30-35 self 5 depth 1 in a0 Returned",
            "a0 10-40 self 25 depth 0 Returned",
        ]));
    }

    [Test]
    public void ACallOfAnotherFunctionIsNotEndedByAnExit()
    {
        Assert.That(Calls(New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F)
            .Exit(1, 30, 2, G)
            .Exit(1, 40, 1, Main)), Is.EqualTo((string[])
        [
            "b0 20-30 self 0 depth 1 in a0 NotSeen",
            "c0 ?-30 Returned",
            "a0 10-40 self 30 depth 0 Returned",
        ]));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void AfterALossWhatIsInsideHasEnded(bool switched)
    {
        TraceFileBuilder builder = New()
            .Entry(1, 10, 1, Main)
            .Entry(1, 20, 2, F)
            .Entry(1, 25, 3, G);
        builder = switched ? builder.Switched(1, 26, on: false) : builder.Lost(1, 26, 100);
        Assert.That(Calls(builder
            .Entry(1, 30, 5, G)
            .Exit(1, 40, 2, F)
            .Exit(1, 50, 1, Main)), Is.EqualTo((string[])
        [
            "c0 25-40 self 0 depth 2 in b0 NotSeen",
            "b0 20-40 self 20 depth 1 in a0 Returned",
            "a0 10-50 self 20 depth 0 Returned",
            "c0 30-50 self 0 depth 3 Unfinished",
        ]));
    }

    [Test]
    public void EveryEntryHasOneEnd([Range(1, 20)] int seed)
    {
        // Anything, as from a damaged file.
        var random = new Random(seed);
        var sink = new CallList(3);
        ulong time = 0;
        for (int i = 0; i < 20_000; i++)
        {
            sink.Tracker.Add(new TraceEvent
            {
                Time = time += (ulong)random.Next(3),
                Thread = random.Next(3),
                Kind = (EventKind)random.Next(10),
                Call = (ushort)random.Next(1, seed < 10 ? 10 : 1 << 16),
                Address = (ulong)random.Next(2),
            });
        }

        sink.Tracker.Finish();
        Assert.That(sink.Begun, Is.EqualTo(sink.Ended));
    }

    [Test]
    public void NothingIsAllocated()
    {
        var sink = new CallCount();
        var tracker = new CallTracker(1, sink);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong i = 0; i < 10_000; i++)
        {
            tracker.Add(new TraceEvent { Kind = EventKind.Entry, Call = (ushort)(i + 1), Time = i });
        }

        for (ulong i = 0; i < 10_000; i++)
        {
            tracker.Add(new TraceEvent { Kind = EventKind.Exit, Call = (ushort)(i + 1), Time = i });
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(20_000)); // the runtime allocates when it compiles
        Assert.That(sink.Ended, Is.EqualTo(10_000));
    }

    private static TraceFileBuilder New() => new() { Start = [1, 1, 1] };

    private static List<string> Calls(TraceFileBuilder builder)
    {
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        var sink = new CallList(file.Threads.Count);
        using MergedEvents events = file.ReadMerged();
        while (events.Next())
        {
            sink.Tracker.Add(in events.Current);
        }

        sink.Tracker.Finish();
        return sink.Lines;
    }

    private sealed class CallList : ICallSink
    {
        public CallList(int threads) => Tracker = new CallTracker(threads, this);

        public CallTracker Tracker { get; }

        public List<string> Lines { get; } = [];

        public int Begun { get; private set; }

        public int Ended { get; private set; }

        public void OnBegin(in TraceEvent entry)
        {
            Begun++;
            Assert.That(Tracker.IsUnderWay(entry.Call));
            Assert.That(Tracker.Innermost(entry.Thread), Is.EqualTo(entry.Call));
        }

        public void OnEnd(in FinishedCall call)
        {
            Assert.That(Tracker.IsUnderWay(call.Number), Is.False);
            Ended += call.HasBeginning ? 1 : 0;
            if (!call.HasBeginning)
            {
                Lines.Add($"{call.Address:x} ?-{call.End} {call.How}");
                return;
            }

            string parent = Tracker.IsUnderWay(call.Parent) ? $" in {Tracker.AddressOf(call.Parent):x}" : "";
            string thread = call.EndThread != 0 ? $" thread {call.Thread}-{call.EndThread}" : "";
            Lines.Add($"{call.Address:x} {call.Start}-{call.End} self {call.SelfTime} depth {call.Depth}{parent} {call.How}{thread}");
        }
    }

    private sealed class CallCount : ICallSink
    {
        public int Ended { get; private set; }

        public void OnBegin(in TraceEvent entry)
        {
        }

        public void OnEnd(in FinishedCall call) => Ended++;
    }
}
