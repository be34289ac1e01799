using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The tables of <c>ftrace stat</c>, to the byte and the nanosecond.</summary>
[TestFixture]
public sealed class StatTests
{
    private const ulong Main = 0x401000;
    private const ulong F = 0x401100;
    private const ulong G = 0x401200;
    private const ulong Quoted = 0x401300;

    [Test]
    public void Text() => Assert.That(Of(Demo()), Is.EqualTo("""
             TOTAL        SELF       CALLS         AVG         MIN         MAX         P50         P99  FUNCTION
          2.000  s    1.989  s           1    2.000  s    2.000  s    2.000  s    2.000  s    2.000  s  main
         10.100 ms    7.600 us           2    5.050 ms  100.000 us   10.000 ms  100.000 us   10.000 ms  parse
         10.092 ms   10.092 ms           3    3.364 ms      400 ns   10.000 ms   92.000 us   10.000 ms  read_line

        """));

    [Test]
    public void Csv() => Assert.That(Of(Demo().Entry(1, 5_000_000_000, 1, Quoted).Exit(1, 5_000_000_007, 1, Quoted), "csv"), Is.EqualTo(""""
        function,calls,total_ns,self_ns,avg_ns,min_ns,max_ns,p50_ns,p99_ns
        main,1,2000000000,1989900000,2000000000,2000000000,2000000000,2000000000,2000000000
        parse,2,10100000,7600,5050000,100000,10000000,100000,10000000
        read_line,3,10092400,10092400,3364133,400,10000000,92000,10000000
        "a,""b""",1,7,7,7,7,7,7,7

        """"));

    [Test]
    public void Json() => Assert.That(Of(New().Entry(1, 10, 1, Quoted).Exit(1, 17, 1, Quoted).Entry(1, 20, 2, F), "json"), Is.EqualTo("""
        {
          "file": "demo.data",
          "lost": 0,
          "missing_blocks": 0,
          "samples": 0,
          "functions": [
            {
              "function": "a,\"b\"",
              "object": "demo",
              "calls": 1,
              "without_entry": 0,
              "without_exit": 0,
              "total_ns": 7,
              "self_ns": 7,
              "avg_ns": 7,
              "min_ns": 7,
              "max_ns": 7,
              "p50_ns": 7,
              "p99_ns": 7
            },
            {
              "function": "parse",
              "object": "demo",
              "calls": 1,
              "without_entry": 0,
              "without_exit": 1,
              "total_ns": null,
              "self_ns": null,
              "avg_ns": null,
              "min_ns": null,
              "max_ns": null,
              "p50_ns": null,
              "p99_ns": null
            }
          ]
        }

        """));

    [Test]
    public void RecursionIsInTheTotalOnce()
    {
        // f 0-100, f 10-90, f 20-30, g 30-80, f 40-50.
        StatRow f = Row(New()
            .Entry(1, 0, 1, F).Entry(1, 10, 2, F).Entry(1, 20, 3, F).Exit(1, 30, 3, F).Entry(1, 30, 3, G).Entry(1, 40, 4, F)
            .Exit(1, 50, 4, F).Exit(1, 80, 3, G).Exit(1, 90, 2, F).Exit(1, 100, 1, F), "parse");
        Assert.That(f.Calls, Is.EqualTo(4));
        Assert.That(f.Total, Is.EqualTo(100));
        Assert.That(f.Self, Is.EqualTo(20 + 20 + 10 + 10));
        Assert.That(f.Average, Is.EqualTo((100 + 80 + 10 + 10) / 4));
        Assert.That(f.Min, Is.EqualTo(10));
        Assert.That(f.Max, Is.EqualTo(100));
        Assert.That(f.P50, Is.EqualTo(10));
        Assert.That(f.P99, Is.EqualTo(100));
    }

    [Test]
    public void OtherThreadsAreNoRecursion()
    {
        StatRow f = Row(New().Entry(1, 0, 1, F).Entry(2, 10, 17, F).Exit(1, 100, 1, F).Exit(2, 150, 17, F), "parse");
        Assert.That(f.Total, Is.EqualTo(100 + 140));
    }

    /// <summary>Threads are read one after the other, unless a call can have changed the thread.</summary>
    [Test]
    public void CallThatEndsInAnotherThread()
    {
        StatRow f = Row(New().Entry(2, 0, 17, F).Entry(1, 5, 1, F).Exit(1, 7, 1, F).Exit(1, 100, 17, F).Entry(2, 110, 17, F).Exit(2, 113, 17, F), "parse");
        Assert.That(f.Total, Is.EqualTo(100 + 2 + 3));
        Assert.That(f.Calls, Is.EqualTo(3));
        Assert.That(f.WithoutEntry + f.WithoutExit, Is.EqualTo(0));
    }

    /// <summary>The exit is from before the entry: they are two calls.</summary>
    [Test]
    public void NumberThatAnotherThreadHadBefore()
    {
        StatRow f = Row(New(2).Exit(1, 100, 17, F).Entry(2, 110, 17, F), "parse");
        Assert.That(f.Total, Is.Null);
        Assert.That(f.WithoutEntry, Is.EqualTo(1));
        Assert.That(f.WithoutExit, Is.EqualTo(1));
    }

    /// <summary>While recording was off, in another thread's events, exits were not seen.</summary>
    [Test]
    public void SwitchedByAnotherThread()
    {
        StatRow main = Row(New()
            .Entry(1, 0, 1, Main).Entry(1, 10, 2, F).Switched(2, 20, false).Switched(2, 30, true).Entry(1, 40, 3, G).Exit(1, 60, 3, G).Exit(1, 100, 1, Main), "main");
        Assert.That(main.Total, Is.EqualTo(100));
        Assert.That(main.Self, Is.EqualTo(80));
    }

    /// <summary>If the end of the outermost call is not known, those inside it are the outermost ones that have a time.</summary>
    [Test]
    public void CallWithoutEndDoesNotHideThoseInside()
    {
        StatRow f = Row(New()
            .Entry(1, 0, 1, F).Entry(1, 10, 2, F).Entry(1, 20, 3, F).Exit(1, 30, 3, F).Exit(1, 60, 2, F)
            .Entry(1, 70, 2, F).Exit(1, 75, 2, F), "parse");
        Assert.That(f.Total, Is.EqualTo(50 + 5));
        Assert.That(f.WithoutExit, Is.EqualTo(1));
        Assert.That(f.Calls, Is.EqualTo(4));
    }

    /// <summary>On two stacks the outer one can end first.</summary>
    [Test]
    public void RecursionOnTwoStacks()
    {
        StatRow f = Row(New()
            .Entry(1, 0, 1, F).Entry(1, 10, 17, F).Exit(1, 20, 1, F).Entry(1, 30, 2, F).Exit(1, 35, 2, F).Exit(1, 40, 17, F)
            .Entry(1, 50, 1, F).Exit(1, 57, 1, F), "parse");
        Assert.That(f.Total, Is.EqualTo(20 + 7));
        Assert.That(f.Calls, Is.EqualTo(4));
    }

    [Test]
    public void CallsWithoutAnEnd() => Assert.That(
        Of(New(2).Exit(1, 10, 3, G).Entry(1, 20, 4, F).Exit(1, 25, 4, F).Entry(1, 30, 4, F).Lost(1, 35, 7)), Is.EqualTo("""
             TOTAL        SELF       CALLS    NO ENTRY     NO EXIT         AVG         MIN         MAX         P50         P99  FUNCTION
              5 ns        5 ns           2           0           1        5 ns        5 ns        5 ns        5 ns        5 ns  parse
                 -           -           1           1           0           -           -           -           -           -  read_line
        # calls without an entry in the trace: they began before what the buffer has kept: 1. They are counted, and have no time.
        # calls without an exit in the trace: 1. They are counted, and have no time.
        # units lost: 7. An entry or an exit is one.

        """));

    /// <summary>An exit that was not seen: what the call called is not the caller's own time.</summary>
    [Test]
    public void CalleesOfACallWithoutExitAreNotItsCallersOwn()
    {
        StatRow main = Row(New().Entry(1, 0, 1, Main).Entry(1, 10, 2, F).Entry(1, 20, 3, G).Exit(1, 50, 3, G).Lost(1, 60, 1).Exit(1, 100, 1, Main), "main");
        Assert.That(main.Self, Is.EqualTo(70));
    }

    [Test]
    public void Entries() => Assert.That(
        Of(New().FunctionEntry(1, 10, F, Main + 9).FunctionEntry(1, 20, F, Main + 9).FunctionEntry(1, 30, G, F + 9)), Is.EqualTo("""
             CALLS  FUNCTION
                 2  parse
                 1  read_line

        """));

    [Test]
    public void EntriesAsCsv() => Assert.That(Of(New().FunctionEntry(1, 10, F, Main + 9), "csv"), Is.EqualTo("""
        function,calls,total_ns,self_ns,avg_ns,min_ns,max_ns,p50_ns,p99_ns
        parse,1,,,,,,,

        """));

    /// <summary>A recursive function is in a sample once; a return address belongs to the call before it.</summary>
    [Test]
    public void Samples() => Assert.That(
        Of(New().Sample(1, 10, F + 5, [F + 8, G, Main + 9], []).Sample(1, 20, F + 5, [Main + 9], []).Sample(1, 30, Main + 5, [], [])), Is.EqualTo("""
           SAMPLES   SELF%  TOTAL%  FUNCTION
                 1   33.33  100.00  main
                 2   66.67   66.67  parse

        """));

    [Test]
    public void SamplesAsCsv() => Assert.That(Of(New().Sample(1, 10, F + 5, [Main + 9], []), "csv"), Is.EqualTo("""
        function,samples,samples_total,percent,percent_total
        parse,1,1,100.00,100.00
        main,0,1,0.00,100.00

        """));

    [Test]
    public void ByThread() => Assert.That(
        Of(New().ThreadName(2, 1002, 0, "worker").Entry(1, 0, 1, F).Exit(1, 10, 1, F).Entry(2, 0, 17, F).Exit(2, 30, 17, F), byThread: true), Is.EqualTo("""
             TOTAL        SELF       CALLS         AVG         MIN         MAX         P50         P99      TID  THREAD           FUNCTION
             30 ns       30 ns           1       30 ns       30 ns       30 ns       30 ns       30 ns     1002  worker           parse
             10 ns       10 ns           1       10 ns       10 ns       10 ns       10 ns       10 ns     1001                   parse

        """));

    [Test]
    public void EmptyTraceHasAHint() => Assert.That(Of(New()), Does.Contain("-fpatchable-function-entry=5").And.Contain("ftrace list"));

    [Test]
    public void TicksAreConverted()
    {
        // 3 GHz from pair to pair, then 1.5 GHz.
        var builder = new TraceFileBuilder { Flags = 1, Start = [3_000_000_000, 1_000_000_000, 0], End = [12_000_000_000, 5_000_000_000, 0] }
            .Clock(6_000_000_000, 2_000_000_000, 0).Clock(9_000_000_000, 4_000_000_000, 0).Object(1, 0, 0x400000, 0x500000, 0x400000, "/bin/demo")
            .Symbols(1, (F, 0x100, "parse"), (G, 0x100, "read_line"), (Main, 0x100, "main"))
            .Entry(1, 3_000_000_000, 1, F).Entry(1, 3_000_000_003, 2, G).Exit(1, 3_000_003_003, 2, G).Exit(1, 3_000_006_000, 1, F)
            .Entry(1, 5_997_000_000, 1, Main).Entry(1, 6_000_000_000, 2, G).Exit(1, 6_000_003_001, 2, G).Exit(1, 6_003_000_000, 1, Main);
        Assert.That(Row(builder, "parse").Total, Is.EqualTo(2000));
        Assert.That(Row(builder, "parse").Self, Is.EqualTo(1000));
        Assert.That(Row(builder, "read_line").Total, Is.EqualTo(1000 + 2001)); // 2000.67, rounded
        Assert.That(Row(builder, "main").Total, Is.EqualTo(1_000_000 + 2_000_000));
    }

    [Test]
    public void Sorted()
    {
        using var saved = new TemporaryFile(Demo());
        using TraceFile file = TraceFile.Open(saved.Path);
        StatTable table = StatTable.Read(file, EventSelection.All, false);
        Assert.That(Names(StatField.Total), Is.EqualTo("main parse read_line"));
        Assert.That(Names(StatField.Calls), Is.EqualTo("read_line parse main"));
        Assert.That(Names(StatField.Self), Is.EqualTo("main read_line parse"));
        Assert.That(Names(StatField.Min), Is.EqualTo("main parse read_line"));
        Assert.That(Names(StatField.P50), Is.EqualTo("main parse read_line"));
        Assert.That(Names(StatField.Name), Is.EqualTo("main parse read_line"));

        string Names(StatField field)
        {
            table.Sort(field);
            return string.Join(' ', System.Linq.Enumerable.Select(table.Rows, row => row.Name));
        }
    }

    [Test]
    public void Limited() => Assert.That(Of(Demo(), limit: 1), Does.EndWith("  main\n... and 2 more\n"));

    [Test]
    public void SelectedTimes()
    {
        using var saved = new TemporaryFile(Demo());
        using TraceFile file = TraceFile.Open(saved.Path);
        StatTable table = StatTable.Read(file, new EventSelection { From = 100_000, To = 200_000 }, false);
        Assert.That(table.Rows, Has.Count.EqualTo(2));
        Assert.That(table.Rows[0].Calls + table.Rows[1].Calls, Is.EqualTo(3));
    }

    /// <summary>More calls than are collected before they are counted, of functions that come one after the other.</summary>
    [Test]
    public void ManyCalls()
    {
        TraceFileBuilder builder = New();
        for (ulong i = 0; i < 10_000; i++)
        {
            builder.Entry(1, i * 100, 1, i % 2 == 0 ? F : G).Exit(1, i * 100 + i % 50, 1, i % 2 == 0 ? F : G);
        }

        StatRow f = Row(builder, "parse");
        Assert.That(f.Calls, Is.EqualTo(5000));
        Assert.That(f.Total, Is.EqualTo(5000 * 24));
        Assert.That(f.Average, Is.EqualTo(24));
        Assert.That(f.P50, Is.EqualTo(24));
        Assert.That(f.P99, Is.EqualTo(48));
    }

    [Test]
    public void DiffAsCsv() => Assert.That(Diff("csv"), Is.EqualTo(""""
        function,state,calls,calls_diff,calls_percent,total_ns,total_ns_diff,total_ns_percent,self_ns,self_ns_diff,self_ns_percent,avg_ns,avg_ns_diff,avg_ns_percent,min_ns,min_ns_diff,min_ns_percent,max_ns,max_ns_diff,max_ns_percent,p50_ns,p50_ns_diff,p50_ns_percent,p99_ns,p99_ns_diff,p99_ns_percent
        parse,both,1,-1,-50.00,60,-140,-70.00,60,-140,-70.00,60,-40,-40.00,60,-40,-40.00,60,-40,-40.00,60,-40,-40.00,60,-40,-40.00
        "a,""b""",new,1,1,,40,40,,40,40,,40,40,,40,40,,40,40,,40,40,,40,40,
        read_line,gone,0,-1,-100.00,0,-30,-100.00,0,-30,-100.00,0,-30,-100.00,0,-30,-100.00,0,-30,-100.00,0,-30,-100.00,0,-30,-100.00
        main,both,1,0,0.00,8,1,14.29,8,1,14.29,8,1,14.29,8,1,14.29,8,1,14.29,8,1,14.29,8,1,14.29

        """"));

    [Test]
    public void DiffAsText() => Assert.That(Diff("text"), Is.EqualTo("""
             TOTAL         DIFF         %        SELF         DIFF         %         AVG         DIFF         %       CALLS         DIFF         %  FUNCTION
             60 ns  -    140 ns    -70.00       60 ns  -    140 ns    -70.00       60 ns  -     40 ns    -40.00           1           -1    -50.00  parse
             40 ns  +     40 ns       new       40 ns  +     40 ns       new       40 ns  +     40 ns       new           1           +1       new  a,"b"
              0 ns  -     30 ns      gone        0 ns  -     30 ns      gone        0 ns  -     30 ns      gone           0           -1      gone  read_line
              8 ns  +      1 ns    +14.29        8 ns  +      1 ns    +14.29        8 ns  +      1 ns    +14.29           1            0      0.00  main

        """));

    private static string Diff(string format)
    {
        using var savedBefore = new TemporaryFile(New()
            .Entry(1, 0, 1, F).Exit(1, 100, 1, F).Entry(1, 200, 1, F).Exit(1, 300, 1, F).Entry(1, 400, 1, G).Exit(1, 430, 1, G)
            .Entry(1, 500, 1, Main).Exit(1, 507, 1, Main));
        using var savedAfter = new TemporaryFile(New()
            .Entry(1, 0, 1, F).Exit(1, 60, 1, F).Entry(1, 100, 1, Quoted).Exit(1, 140, 1, Quoted).Entry(1, 500, 1, Main).Exit(1, 508, 1, Main));
        using TraceFile before = TraceFile.Open(savedBefore.Path);
        using TraceFile after = TraceFile.Open(savedAfter.Path);
        var diff = new StatDiff(StatTable.Read(before, EventSelection.All, false), StatTable.Read(after, EventSelection.All, false));
        diff.Sort(StatField.Total);
        var stream = new MemoryStream();
        using (var output = new Utf8Output(stream))
        {
            if (format == "csv")
            {
                StatDiffCsv.Write(output, diff, int.MaxValue);
            }
            else
            {
                StatDiffText.Write(output, diff, int.MaxValue);
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static TraceFileBuilder New(ulong firstSequence = 1) => new TraceFileBuilder()
        .Process(1000, 1, 0, "/bin/demo", ["demo"], "/tmp", "host")
        .Object(1, 0, 0x400000, 0x500000, 0x400000, "/bin/demo")
        .Symbols(1, (Main, 0x100, "main"), (F, 0x100, "parse"), (G, 0x100, "read_line"), (Quoted, 0x100, "a,\"b\""))
        .Thread(1, 1001, firstSequence)
        .Thread(2, 1002);

    private static TraceFileBuilder Demo() => New()
        .Entry(1, 1000, 1, Main)
        .Entry(1, 100_000, 2, F)
        .Entry(1, 103_000, 3, G)
        .Exit(1, 195_000, 3, G)
        .Entry(1, 196_000, 3, G)
        .Exit(1, 196_400, 3, G)
        .Exit(1, 200_000, 2, F)
        .Entry(1, 1_000_000, 2, F)
        .Entry(1, 1_000_000, 3, G)
        .Exit(1, 11_000_000, 3, G)
        .Exit(1, 11_000_000, 2, F)
        .Exit(1, 2_000_001_000, 1, Main);

    private static string Of(TraceFileBuilder builder, string format = "text", bool byThread = false, int limit = int.MaxValue)
    {
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        StatTable table = StatTable.Read(file, EventSelection.All, byThread);
        table.Sort(StatField.Total);
        var stream = new MemoryStream();
        if (format == "json")
        {
            StatJson.Write(stream, table, "demo.data", limit);
            return Encoding.UTF8.GetString(stream.ToArray());
        }

        using (var output = new Utf8Output(stream))
        {
            if (format == "csv")
            {
                StatCsv.Write(output, table, limit);
            }
            else
            {
                StatText.Write(output, file, table, limit);
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static StatRow Row(TraceFileBuilder builder, string name)
    {
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        foreach (StatRow row in StatTable.Read(file, EventSelection.All, false).Rows)
        {
            if (row.Name == name)
            {
                return row;
            }
        }

        throw new AssertionException($"{name} is not there");
    }
}
