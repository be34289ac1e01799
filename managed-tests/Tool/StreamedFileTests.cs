using System;
using System.Linq;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Recording;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Files that were streamed, and not finished: a block is in a ring and copied, and the last ones may be missing.</summary>
public sealed class StreamedFileTests
{
    private const ulong F = 0x401000;
    private const uint Streamed = 2;
    private const int UnitsPerBlock = (4096 - 64) / 16;

    private static TraceFileBuilder Builder => new() { Start = [1, 1, 1], Flags = Streamed, State = 1, BlockCount = 0 };

    [TestCase(true)]
    [TestCase(false)]
    public void OfTwoBlocksTheFullerOneCounts(bool isCopyFuller)
    {
        byte[] full = Builder.Entry(1, 10, 1, F).Exit(1, 20, 1, F).Entry(1, 30, 1, F).ToArray();
        byte[] part = [.. full];
        part.AsSpan(4096 + 64 + 32, 16).Clear(); // not written yet
        byte[] first = isCopyFuller ? part : full;
        byte[] second = isCopyFuller ? full : part;
        using var saved = new TemporaryFile([.. first, .. second.AsSpan(4096)]);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(EventList.Of(file), Is.EqualTo((string[])["10 Entry 1 401000", "20 Exit 1 401000", "30 Entry 1 401000"]));
        Assert.That(file.Damages, Is.Empty);
        Assert.That(file.Lost, Is.Zero);
    }

    /// <summary>Without the flag it is a damage.</summary>
    [Test]
    public void InARingNoBlockIsThereTwice()
    {
        TraceFileBuilder builder = Builder.Entry(1, 10, 1, F);
        builder.Flags = 0;
        byte[] bytes = builder.ToArray();
        using var saved = new TemporaryFile([.. bytes, .. bytes.AsSpan(4096)]);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.DamageCount, Is.EqualTo(1));
    }

    /// <summary>A gap after the last block that the process has copied.</summary>
    [Test]
    public void WhatTheProcessHasNotCountedIsLost()
    {
        TraceFileBuilder builder = Builder.Entry(1, 10, 1, F).NextBlock(1, lost: 2 * UnitsPerBlock, missing: 2).Entry(1, 20, 1, F).NextBlock(1, missing: 3).Entry(1, 30, 1, F);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Lost, Is.EqualTo(5 * UnitsPerBlock));
    }

    /// <summary>Nothing was copied, or counted: the process has ended before.</summary>
    [TestCase(7u, 1u, 1u, ExpectedResult = 6 * UnitsPerBlock)]
    [TestCase(7u, 1u, 2u, ExpectedResult = 6 * UnitsPerBlock)]
    [TestCase(7u, 4u, 2u, ExpectedResult = 3 * UnitsPerBlock)]
    [TestCase(7u, 7u, 2u, ExpectedResult = 0)]
    public long WhatIsMissingBeforeTheFirstBlockIsLost(uint sequence, uint first, uint state)
    {
        TraceFileBuilder builder = Builder;
        builder.First = first;
        builder.State = state;
        builder.Thread(1, 1, sequence).Entry(1, 10, 1, F).NextBlock(1).Entry(1, 20, 1, F);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Threads.Single().IsBeginningCut, Is.False, "it is counted");
        return (long)file.Lost;
    }

    /// <summary>Without a stream the thread's first blocks are not lost, but written again; it may have begun where another one had ended.</summary>
    [TestCase(7u, 1u, ExpectedResult = true)]
    [TestCase(7u, 7u, ExpectedResult = false)]
    [TestCase(7u, 0u, ExpectedResult = true)]
    public bool InARingTheBeginningIsCut(uint sequence, uint first)
    {
        TraceFileBuilder builder = Builder;
        builder.Flags = 0;
        builder.First = first;
        builder.Thread(1, 1, sequence).Entry(1, 10, 1, F);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Lost, Is.Zero);
        return file.Threads.Single().IsBeginningCut;
    }

    /// <summary>What was lost before the first block, and units within a block, are not in the gaps.</summary>
    [Test]
    public void WhatTheProcessHasCountedIsNotCountedAgain()
    {
        TraceFileBuilder builder = Builder
            .Thread(1, 1, 7)
            .Entry(1, 10, 1, F)
            .NextBlock(1, lost: 2 * UnitsPerBlock + 3, missing: 2)
            .Entry(1, 20, 1, F)
            .NextBlock(1, lost: 2 * UnitsPerBlock + 5)
            .Entry(1, 30, 1, F)
            .NextBlock(1, missing: 1)
            .Entry(1, 40, 1, F);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Lost, Is.EqualTo(3 * UnitsPerBlock + 5));
    }

    /// <summary>What ftrace record says agrees with what the reader finds.</summary>
    [Test]
    public void EventsAreCounted([Values(1, 2, 3, 4)] int seed)
    {
        var random = new Random(seed);
        TraceFileBuilder builder = Builder;
        builder.Flags = 0;
        ulong time = 10;
        for (int i = 0; i < 1000; i++)
        {
            time += 3;
            builder = random.Next(6) switch
            {
                0 => builder.Entry(1, time, 1, F),
                1 => builder.Exit(1, time, 1, F),
                2 => builder.Mark(1, time, new string('x', random.Next(100))),
                3 => builder.Sample(1, time, F, [F, F], [F]),
                4 => builder.Torn(1),
                _ => builder.FunctionEntry(1, time, F, F),
            };
        }

        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(builder.Blocks.Sum(block => EventCount.Of(block)), Is.EqualTo(EventList.Of(file).Count));
    }
}
