using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What <see cref="TraceFile"/> reads, and in which order.</summary>
[TestFixture]
public sealed class TraceReaderTests
{
    private const ulong F = 0x401000;
    private const ulong G = 0x401100;

    [Test]
    public void EverythingIsRead()
    {
        using var saved = new TemporaryFile(new TraceFileBuilder { Start = [1000, 1000, 5000], End = [2000, 2000, 6000], LostWithoutBuffer = 3 }
            .Process(1000, 1, 1000, "/bin/demo", ["demo", "-x", ""], "/tmp", "host")
            .Object(1, 1000, 0x400000, 0x500000, 0x400000, "/bin/demo", "abcd")
            .Symbols(1, (G, 0x100, "_ZN3foo3barEi"), (F, 0x100, "f"))
            .ThreadName(7, 1001, 1000, "first")
            .ThreadName(7, 1001, 1000, "worker")
            .ThreadEnded(7, 1900)
            .Options("filter=*\ndepth=3\n")
            .Snapshot(1500, "signal 12")
            .LostRecord(7, 2, 40)
            .Entry(7, 1010, 1, F)
            .Entry(7, 1020, 2, G)
            .Mark(7, 1025, "hello, this text has more than fifteen bytes")
            .Exit(7, 1030, 2, G)
            .Sample(7, 1031, 0x401010, [0x401020, 0x7fff12345678], [0x401030])
            .FunctionEntry(7, 1032, G, 0x401040)
            .Switched(7, 1033, on: false)
            .Lost(7, 1034, 12)
            .EndOfCall(7, 1040, 1, F, 1)
            .EndOfCall(7, 1041, 3, F, 2)
            .EndOfCall(7, 1042, 4, F, 0));
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.Multiple(() =>
        {
            Assert.That(file.Header.ProcessId, Is.EqualTo(1000));
            Assert.That(file.Header.State, Is.EqualTo(TraceState.Finished));
            Assert.That(file.Header.End, Is.EqualTo(new ClockPair(2000, 2000, 6000)));
            Assert.That(file.Header.LibraryVersion, Is.EqualTo(new Version(1, 0, 0)));
            Assert.That(file.Process.Executable, Is.EqualTo("/bin/demo"));
            Assert.That(file.Process.Arguments, Is.EqualTo((string[])["demo", "-x", ""]));
            Assert.That(file.Process.WorkingDirectory, Is.EqualTo("/tmp"));
            Assert.That(file.Process.HostName, Is.EqualTo("host"));
            Assert.That(file.Options["depth"], Is.EqualTo("3"));
            Assert.That(file.Snapshots, Is.EqualTo((TraceSnapshot[])[new(1500, "signal 12")]));
            Assert.That(file.Threads, Has.Count.EqualTo(1));
            Assert.That(file.Threads[0].Name, Is.EqualTo("worker"));
            Assert.That(file.Threads[0].EndTime, Is.EqualTo(1900));
            Assert.That(file.Lost, Is.EqualTo(43));
            Assert.That(file.Symbols.NameText(file.Symbols.FunctionAt(F, 1010)), Is.EqualTo("f"));
            Assert.That(System.Text.Encoding.UTF8.GetString(file.Symbols.RawName(file.Symbols.FunctionAt(G + 4, 1010))), Is.EqualTo("_ZN3foo3barEi"));
            Assert.That(EventList.Of(file), Is.EqualTo((string[])
            [
                "1010 Entry 1 401000",
                "1020 Entry 2 401100",
                "1025 Mark hello, this text has more than fifteen bytes",
                "1030 Exit 2 401100",
                "1031 Sample 401010 401020 7fff12345678 (401030)",
                "1032 FunctionEntry 401100 from 401040",
                "1033 Switched 0",
                "1034 Lost 12",
                "1040 Tail 1 401000",
                "1041 Unwound 3 401000",
                "1042 Exit 4 401000",
            ]));
            Assert.That(file.Damages, Is.Empty);
        });
    }

    [Test]
    public void HandlersComeFirst()
    {
        // The unit of 90 was reserved, then a handler ran, which was interrupted in the same way by another one.
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }
            .Entry(1, 10, 1, F)
            .Entry(1, 90, 2, F)
            .Mark(1, 80, "outer handler")
            .Entry(1, 20, 3, G)
            .Exit(1, 30, 3, G)
            .Entry(1, 85, 4, G)
            .Exit(1, 100, 4, G)
            .Exit(1, 110, 2, F);
        Assert.That(Times(builder), Is.EqualTo((ulong[])[10, 20, 30, 80, 85, 90, 100, 110]));
        Assert.That(Events(builder)[3], Is.EqualTo("80 Mark outer handler"));
    }

    [Test]
    public void AHandlerCanFillBlocks()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }.Entry(1, 5, 1, F).Mark(1, 5000, "interrupted");
        for (ulong time = 10; time < 1010; time++)
        {
            builder.Entry(1, time, 2, G);
        }

        builder.Exit(1, 5001, 1, F);
        List<string> events = Events(builder);
        Assert.That(Times(builder), Is.Ordered);
        Assert.That(events[^2], Is.EqualTo("5000 Mark interrupted"));
        Assert.That(events, Has.Count.EqualTo(1003));
    }

    [Test]
    public void MoreThanHandlersCanDoIsReadAllTheSame()
    {
        // No process writes this: 200 times that fall.
        var builder = new TraceFileBuilder { Start = [1, 1, 1] };
        for (ulong time = 1200; time > 1000; time--)
        {
            builder.Mark(1, time, $"at {time}");
        }

        List<string> events = Events(builder);
        Assert.That(events, Has.Count.EqualTo(200));
        Assert.That(events.Distinct().Count(), Is.EqualTo(200));
        Assert.That(events, Has.All.Matches<string>(e => e.EndsWith("at " + e.Split(' ')[0], StringComparison.Ordinal)));
    }

    [Test]
    public void TornUnitsAreSkippedAtEveryPosition()
    {
        TraceFileBuilder builder = MixedEvents(out int units, out HashSet<int> heads);
        byte[] whole = builder.ToArray();
        List<string> all = Events(whole);
        for (int unit = 0; unit < units; unit++)
        {
            byte[] torn = (byte[])whole.Clone();
            int position = Array.IndexOf(torn, (byte)'F', 4096) + TraceFileBuilder.BlockHeader + unit * TraceFileBuilder.Unit;
            torn[position] ^= 5;
            if (heads.Contains(unit))
            {
                // A first unit is written before those that follow.
                torn.AsSpan(position + TraceFileBuilder.Unit, torn[position + 9] * TraceFileBuilder.Unit).Clear();
            }

            List<string> events = Events(torn);
            Assert.That(events, Has.Count.EqualTo(all.Count - 1), $"unit {unit}");
            Assert.That(all.Except(events).Count(), Is.EqualTo(1), $"unit {unit}");
            Assert.That(events, Is.EqualTo(all.Intersect(events)), $"unit {unit}");
        }
    }

    [Test]
    public void UnknownKindsAreSkipped()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }
            .Entry(1, 10, 1, F)
            .Event(1, 11, 9, 77, new byte[40])
            .Event(1, 12, 0, 0, [])
            .Event(1, 13, 15, 0, new byte[15])
            .Event(1, 14, 2, F, [])
            .Event(1, 14, 4, F, [])
            .Event(1, 14, 5, F, [])
            .Exit(1, 20, 1, F)
            .Record(99, 1u, "of a later version");
        Assert.That(Times(builder), Is.EqualTo((ulong[])[10, 20]));
    }

    [Test]
    public void PaddingIsSkipped()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }.Entry(1, 10, 1, F).Event(1, 11, 1, 3, []).Torn(1).Entry(1, 3, 9, G).Torn(1).Exit(1, 20, 1, F);
        Assert.That(Times(builder), Is.EqualTo((ulong[])[10, 20]));
        builder.Event(1, 21, 1, ulong.MaxValue >> 17, []).Exit(1, 22, 1, F).NextBlock(1).Entry(1, 30, 1, F);
        Assert.That(Times(builder), Is.EqualTo((ulong[])[10, 20, 30]));
    }

    [Test]
    public void ARingHasTheLastBlocksInAnyOrder()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] };
        foreach (int sequence in (int[])[19, 17, 20, 18])
        {
            builder.Thread((uint)sequence, 5, (ulong)sequence);
            builder.Entry((uint)sequence, (ulong)sequence * 10, 1, F).Exit((uint)sequence, (ulong)sequence * 10 + 1, 1, F);
        }

        byte[] bytes = builder.ToArray();
        foreach (byte[] block in builder.Blocks)
        {
            BitConverter.TryWriteBytes(block.AsSpan(16), 7u);
        }

        bytes = builder.ToArray();
        using var saved = new TemporaryFile(bytes);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Threads.Single().IsBeginningCut);
        Assert.That(file.Threads.Single().MissingBlocks, Is.Zero);
        Assert.That(Times(bytes), Is.EqualTo((ulong[])[170, 171, 180, 181, 190, 191, 200, 201]));
    }

    [Test]
    public void WhatIsMissingIsReported()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }
            .Entry(1, 10, 1, F)
            .NextBlock(1, missing: 2)
            .Exit(1, 20, 1, F)
            .NextBlock(1, lost: 30, missing: 1)
            .Entry(1, 30, 1, F)
            .NextBlock(1, lost: 37)
            .Entry(1, 40, 1, F)
            .NextBlock(1, lost: 37)
            .Entry(1, 50, 1, F);
        Assert.That(Events(builder), Is.EqualTo((string[])
        [
            "10 Entry 1 401000", "10 Gap 2", "20 Exit 1 401000", "20 Lost 30", "30 Entry 1 401000", "30 Lost 7", "40 Entry 1 401000", "50 Entry 1 401000",
        ]));
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Threads[0].MissingBlocks, Is.EqualTo(3));
        Assert.That(file.Lost, Is.EqualTo(37));
    }

    [Test]
    public void ABlockThatIsWrittenAnewMeanwhileIsAGap()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }.Entry(1, 10, 1, F).NextBlock(1).Entry(1, 20, 1, F).NextBlock(1).Entry(1, 30, 1, F);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        BitConverter.TryWriteBytes(builder.Blocks[1].AsSpan(8), 4UL);
        builder.Save(saved.Path);
        Assert.That(EventList.Of(file), Is.EqualTo((string[])["10 Entry 1 401000", "10 Gap 1", "30 Entry 1 401000"]));
    }

    [Test]
    public void ThreadsAreMergedByTime([Values(1, 2, 3, 17, 100)] int threads, [Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        var builder = new TraceFileBuilder { Start = [1, 1, 1] };
        var expected = new List<ulong>();
        for (uint thread = 0; thread < threads; thread++)
        {
            ulong time = (ulong)random.Next(1, 100_000);
            for (int i = random.Next(600); i >= 0; i--)
            {
                time += (ulong)random.Next(1, 300);
                expected.Add(time);
                if (random.Next(10) == 0)
                {
                    builder.Mark(thread, time, new string('x', random.Next(100)));
                }
                else
                {
                    builder.Entry(thread, time, (ushort)(1 + thread % 15), F);
                }
            }
        }

        expected.Sort();
        Assert.That(Times(builder), Is.EqualTo(expected));
    }

    [Test]
    public void AFileCanBeCutAtAnyPlace()
    {
        byte[] whole = MixedEvents(out _, out _).NextBlock(1).Entry(1, 5000, 1, F).ToArray();
        List<string> all = Events(whole);
        for (int length = whole.Length; length >= 128; length -= 7)
        {
            using var saved = new TemporaryFile(whole[..length]);
            using TraceFile file = TraceFile.Open(saved.Path);
            List<string> events = EventList.Of(file);
            Assert.That(events, Is.EqualTo(all.Take(events.Count)), $"{length} bytes");
            Assert.That(file.Damages, Is.Empty, $"{length} bytes");
        }
    }

    [TestCase(0, 7, "is not a trace file")]
    [TestCase(100, 0, "ends in its header, at offset 100")]
    [TestCase(0, 0, "is not a trace file")]
    public void HeadersAreChecked(int length, int damagedByte, string message)
    {
        byte[] bytes = new TraceFileBuilder().ToArray()[..(length == 0 ? 4096 : length)];
        bytes[damagedByte] ^= (byte)(length == 0 ? 1 : 0);
        Assert.That(ErrorOf(bytes), Does.EndWith(message));
    }

    [TestCase(8, 2u, "has version 2 of the format, and this ftrace reads version 1; use a newer ftrace")]
    [TestCase(8, 0u, "has version 0 of the format, and this ftrace reads version 1")]
    [TestCase(12, 0x04030201u, "has another byte order than this machine")]
    [TestCase(16, 0u, "damaged at offset 16: 0 is not a size of blocks")]
    [TestCase(16, 5000u, "damaged at offset 16: 5000 is not a size of blocks")]
    [TestCase(16, 1u << 21, "damaged at offset 16: 2097152 is not a size of blocks")]
    public void HeaderFieldsAreChecked(int offset, uint value, string message)
    {
        byte[] bytes = new TraceFileBuilder().ToArray();
        BitConverter.TryWriteBytes(bytes.AsSpan(offset), value);
        Assert.That(ErrorOf(bytes), Does.EndWith(message));
    }

    [Test]
    public void AFileThatIsNotThereIsNamed() =>
        Assert.That(() => TraceFile.Open("/nonexistent/ftrace.data"), Throws.TypeOf<TraceFileException>()
            .With.Message.EqualTo("/nonexistent/ftrace.data: no such file; record one with: ftrace record PROGRAM"));

    [Test]
    public void ADirectoryIsNotATrace() =>
        Assert.That(() => TraceFile.Open("/tmp"), Throws.TypeOf<TraceFileException>().With.Message.StartsWith("/tmp: cannot be opened: "));

    [Test]
    public void DamagedBlocksAreReportedAndTheOthersRead()
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }
            .Options("a=b\n")
            .Entry(1, 10, 1, F)
            .NextBlock(1)
            .Entry(1, 20, 1, F)
            .NextBlock(1)
            .Entry(1, 30, 1, F)
            .NextBlock(1)
            .Entry(1, 40, 1, F);
        builder.Blocks[2][0] ^= 1;
        BitConverter.TryWriteBytes(builder.Blocks[3].AsSpan(4), (ushort)9);
        BitConverter.TryWriteBytes(builder.Blocks[4].AsSpan(8), 1UL);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(EventList.Of(file), Is.EqualTo((string[])["10 Entry 1 401000"]));
        Assert.That(file.Damages, Is.EqualTo((TraceDamage[])
        [
            new(3 * 4096, "there is no header of a block"),
            new(4 * 4096, "a block has the unknown type 9"),
            new(5 * 4096, "block 1 of thread 1 is there twice"),
        ]));
    }

    [TestCase(0u)]
    [TestCase(7u)]
    [TestCase(12u)]
    [TestCase(4096u)]
    [TestCase(uint.MaxValue)]
    public void ARecordOfAWrongSizeEndsItsBlock(uint size)
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }.Options("a=b").Options("c=d").Entry(1, 10, 1, F);
        BitConverter.TryWriteBytes(builder.Blocks[0].AsSpan(64 + 24), size);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Options.Keys, Is.EqualTo((string[])["a"]));
        Assert.That(file.Damages, Is.EqualTo((TraceDamage[])[new(4096 + 64 + 24, $"a record of information has {size} bytes")]));
        Assert.That(EventList.Of(file), Has.Count.EqualTo(1));
    }

    [TestCase(63u)]
    [TestCase(0u)]
    [TestCase(4097u)]
    public void ABlockOfInformationOfAWrongSizeIsNotRead(uint used)
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] }.Options("a=b");
        BitConverter.TryWriteBytes(builder.Blocks[0].AsSpan(32), used);
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.Options, Is.Empty);
        Assert.That(file.Damages, Is.EqualTo((TraceDamage[])[new(4096 + 32, $"a block of information uses {used} bytes")]));
    }

    /// <summary>Each length in each kind of record, at its highest value.</summary>
    [TestCase(1u, 16)]
    [TestCase(1u, 20)]
    [TestCase(1u, 24)]
    [TestCase(1u, 28)]
    [TestCase(3u, 40)]
    [TestCase(3u, 44)]
    [TestCase(5u, 4)]
    [TestCase(5u, 20)]
    [TestCase(6u, 16)]
    [TestCase(8u, 0)]
    [TestCase(10u, 8)]
    [TestCase(11u, 4)]
    public void ALengthThatIsTooLargeIsDamage(uint kind, int offset)
    {
        TraceFileBuilder Build() => (kind switch
        {
            1 => new TraceFileBuilder().Process(1, 2, 3, "/p", ["p"], "/", "h"),
            3 => new TraceFileBuilder().Object(1, 2, 3, 4, 5, "/p", "b"),
            5 => new TraceFileBuilder().Symbols(1, (1, 2, "name")),
            6 => new TraceFileBuilder().ThreadName(1, 2, 3, "name"),
            8 => new TraceFileBuilder().Options("a=b"),
            10 => new TraceFileBuilder().Snapshot(1, "cause"),
            _ => new TraceFileBuilder().UntracedSymbols(1, (1, 2, "name")),
        }).ThreadName(9, 9, 9, "after it");

        foreach (uint value in (uint[])[100, int.MaxValue, uint.MaxValue])
        {
            TraceFileBuilder builder = Build();
            BitConverter.TryWriteBytes(builder.Blocks[0].AsSpan(64 + 8 + offset), value);
            using var saved = new TemporaryFile(builder);
            using TraceFile file = TraceFile.Open(saved.Path);
            Assert.That(file.Damages.Single().Offset, Is.EqualTo(4096 + 64), $"{value}");
            Assert.That(file.Damages.Single().Reason, Does.StartWith($"a record of information of kind {kind} is longer than its"));
            Assert.That(file.Threads.Single(t => t.Number == 9).Name, Is.EqualTo("after it"));
        }
    }

    /// <summary>A name that changes is written again, to the block that is the last one then, wherever that is in the file.</summary>
    [TestCase("first", "last", "last")]
    [TestCase("first", "", "first")]
    public void TheLastNameOfAThreadCounts(string first, string second, string expected)
    {
        using var saved = new TemporaryFile(new TraceFileBuilder { BlockCount = 0 }.ThreadName(1, 1001, 1000, first).Entry(1, 1010, 1, F));
        using var other = new TemporaryFile(new TraceFileBuilder().ThreadName(1, 1001, 2000, second));
        byte[] bytes = File.ReadAllBytes(saved.Path);
        byte[] later = File.ReadAllBytes(other.Path)[4096..8192];
        later[8] = 9; // the sequence number
        File.WriteAllBytes(saved.Path, [.. bytes[..4096], .. later, .. bytes[4096..]]);
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(file.DamageCount, Is.Zero);
        Assert.That(file.Threads.Single().Name, Is.EqualTo(expected));
        Assert.That(file.Threads.Single().StartTime, Is.EqualTo(1000));
    }

    [Test]
    public void RecordsCanBeTooShort()
    {
        for (uint kind = 0; kind < 16; kind++)
        {
            var builder = new TraceFileBuilder().Record(kind).ThreadName(9, 9, 9, "after it");
            using var saved = new TemporaryFile(builder);
            using TraceFile file = TraceFile.Open(saved.Path);
            Assert.That(file.DamageCount, Is.EqualTo(kind is >= 1 and <= 11 ? 1 : 0), $"kind {kind}");
            Assert.That(file.Threads.Single(t => t.Number == 9).Name, Is.EqualTo("after it"));
        }
    }

    [Test]
    public void NothingIsAllocatedForAnEvent()
    {
        const int Count = 100_000;
        var builder = new TraceFileBuilder { Start = [1, 1, 1], BlockSize = 32768 };
        for (ulong i = 0; i < Count; i++)
        {
            builder.Entry((uint)i % 3, 10 + i, (ushort)(1 + i % 15), F);
        }

        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        using MergedEvents events = file.ReadMerged();
        events.Next();
        long before = GC.GetAllocatedBytesForCurrentThread();
        int read = 1;
        while (events.Next())
        {
            read++;
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(20_000));
        Assert.That(read, Is.EqualTo(Count));
    }

    /// <summary>Events of all sizes, none of which is equal to another one.</summary>
    /// <param name="units">How many units they have.</param>
    /// <param name="heads">Which of them have others that follow.</param>
    private static TraceFileBuilder MixedEvents(out int units, out HashSet<int> heads)
    {
        var builder = new TraceFileBuilder { Start = [1, 1, 1] };
        heads = [];
        units = 0;
        ulong time = 10;
        for (int i = 0; i < 20; i++)
        {
            time += 10;
            if (i % 5 is 1 or 3 or 4)
            {
                heads.Add(units);
            }

            switch (i % 5)
            {
                case 0:
                    builder.Entry(1, time, 1, F);
                    units++;
                    break;
                case 1:
                    builder.Mark(1, time, new string('m', i * 5));
                    units += 1 + (i * 5 + 14) / 15;
                    break;
                case 2:
                    builder.Exit(1, time, 1, F);
                    units++;
                    break;
                case 3:
                    builder.FunctionEntry(1, time, F, G);
                    units += 2;
                    break;
                default:
                    builder.Sample(1, time, F, [F, G, F + 1], [G + 1]);
                    units += 3;
                    break;
            }
        }

        return builder;
    }

    private static string ErrorOf(byte[] bytes)
    {
        using var saved = new TemporaryFile(bytes);
        return Assert.Throws<TraceFileException>(() => TraceFile.Open(saved.Path))!.Message;
    }

    private static List<string> Events(TraceFileBuilder builder) => Events(builder.ToArray());

    private static List<string> Events(byte[] bytes)
    {
        using var saved = new TemporaryFile(bytes);
        using TraceFile file = TraceFile.Open(saved.Path);
        return EventList.Of(file);
    }

    private static List<ulong> Times(TraceFileBuilder builder) => Times(builder.ToArray());

    private static List<ulong> Times(byte[] bytes) => [.. Events(bytes).Select(e => ulong.Parse(e.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture))];
}
