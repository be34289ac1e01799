using System;
using System.Collections.Generic;
using System.Linq;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Calls become slices that are strictly nested, whatever happened.</summary>
[TestFixture]
public sealed class SliceReaderTests
{
    private const int Functions = 8;
    private const int Size = 16;

    /// <summary>Calls that end in any order, in any thread, with gaps, unknown ends and unfinished calls.</summary>
    [Test]
    public void AnyOrder([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        TraceFileBuilder builder = Names();
        var open = new List<(ushort Call, ulong Function)>();
        ushort next = 1;
        for (ulong time = 2000; time < 5000; time++)
        {
            uint thread = (uint)random.Next(1, 4);
            switch (random.Next(20))
            {
                case < 9:
                    ulong function = DumpDemo.Main + (ulong)(random.Next(Functions) * Size);
                    next += (ushort)(next % 16 == 15 ? 2 : 1);
                    builder.Entry(thread, time, next, function);
                    open.Add((next, function));
                    break;
                case < 17 when open.Count != 0:
                    int which = random.Next(3) == 0 ? random.Next(open.Count) : open.Count - 1;
                    builder.Exit(thread, time, open[which].Call, open[which].Function);
                    open.RemoveAt(which);
                    break;
                case 17:
                    builder.Exit(thread, time, 60001, DumpDemo.Main);
                    break;
                case 18:
                    builder.NextBlock(thread, lost: time);
                    break;
            }
        }

        SliceCheck check = Read(builder);
        Assert.That(check.Slices, Is.GreaterThan(1000));
        Assert.That(check.Times, Has.Count.EqualTo(Functions));
    }

    /// <summary>Each function's time is that between its entry and its exit, although they are not nested.</summary>
    [Test]
    public void TimesAreKept()
    {
        SliceCheck check = Read(Names()
            .Entry(1, 2000, 1, DumpDemo.Main)
            .Entry(1, 2010, 2, DumpDemo.Main + Size)
            .Entry(1, 2020, 3, DumpDemo.Main + 2 * Size)
            .Exit(1, 2030, 1, DumpDemo.Main)
            .Exit(1, 2060, 2, DumpDemo.Main + Size)
            .Exit(1, 2100, 3, DumpDemo.Main + 2 * Size));
        Assert.That(check.Times.Values, Is.EqualTo([30, 50, 80]));
        Assert.That(check.Slices, Is.EqualTo(3));
    }

    /// <summary>With very many calls inside it a slice ends later, so that the output does not grow with the square of their number.</summary>
    [Test]
    public void ManyInside()
    {
        const int Calls = 200;

        TraceFileBuilder builder = Names().Entry(1, 2000, 1, DumpDemo.Main);
        for (ushort i = 0; i < Calls; i++)
        {
            builder.Entry(1, 2001u + i, (ushort)(17 + i / 15 * 16 + i % 15), DumpDemo.Main + Size);
        }

        builder.Exit(1, 2500, 1, DumpDemo.Main);
        SliceCheck check = Read(builder.Switched(1, 2600, false));
        Assert.That(check.Depth, Is.EqualTo(Calls + 1));
        Assert.That(check.Times[0], Is.EqualTo(600));
    }

    /// <summary>Calls of several threads and stacks, in every range: what is written is nested, and within the range.</summary>
    [Test]
    public void EveryRange()
    {
        const ulong Begin = 1990;
        const ulong End = 2120;

        using var temporary = new TemporaryFile(Names()
            .Entry(1, 2000, 1, DumpDemo.Main)
            .Entry(2, 2005, 4, DumpDemo.Main + 3 * Size)
            .Entry(1, 2010, 2, DumpDemo.Main + Size)
            .Entry(1, 2020, 3, DumpDemo.Main + 2 * Size)
            .Exit(1, 2050, 1, DumpDemo.Main)
            .Exit(1, 2060, 2, DumpDemo.Main + Size)
            .Exit(2, 2070, 4, DumpDemo.Main + 3 * Size)
            .Exit(1, 2100, 3, DumpDemo.Main + 2 * Size));
        using TraceFile file = TraceFile.Open(temporary.Path);
        (ulong Start, ulong End)[] calls = [(2000, 2050), (2010, 2060), (2020, 2100), (2005, 2070)];
        for (ulong from = Begin; from < End; from += 3)
        {
            for (ulong to = from; to < End; to += 3)
            {
                var check = new SliceCheck(file);
                SliceReader.Run(file, check, new EventSelection { From = from, To = to });
                ulong[] expected = [.. calls.Select(call => Math.Max(Math.Min(call.End, to), from) - Math.Min(Math.Max(call.Start, from), to)).Order()];
                ulong[] got = [.. Enumerable.Range(0, expected.Length - check.Times.Count).Select(_ => 0ul).Concat(check.Times.Values).Order()];
                Assert.That(got, Is.EqualTo(expected), $"{from}..{to}");
            }
        }
    }

    private static TraceFileBuilder Names()
    {
        var symbols = new (ulong, uint, string)[Functions];
        for (uint i = 0; i < Functions; i++)
        {
            symbols[i] = (DumpDemo.Main + i * Size, Size, $"f{i}");
        }

        return new TraceFileBuilder { Start = [1000, 1000, 5000] }
            .Thread(1, 1000)
            .Thread(2, 1001)
            .Thread(3, 1002)
            .Object(1, 1000, 0x400000, 0x500000, 0x400000, "/bin/demo")
            .Symbols(1, symbols);
    }

    private static SliceCheck Read(TraceFileBuilder builder)
    {
        using var temporary = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(temporary.Path);
        var check = new SliceCheck(file);
        SliceReader.Run(file, check);
        return check;
    }
}
