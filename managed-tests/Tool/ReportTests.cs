using System.IO;
using System.Text;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The text of <c>ftrace report</c>, to the byte.</summary>
[TestFixture]
public sealed class ReportTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong Microsecond = 1000;
    private const ulong Start = 5 * Second;
    private const ulong Utc = 1_800_000_000 * Second;
    private const ulong Main = 0x401000;
    private const ulong F = 0x401100;
    private const ulong G = 0x401200;
    private const ulong Cxx = 0x401300;

    [Test]
    public void Graph() => Check(Demo(), new ReportOptions(), """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
            0.000000010 |             demo-1000    |               |  main() {
            0.000000100 |             demo-1000    |               |    parse() {
            0.000000200 |           worker-1001    |               |  foo::bar(int) {
            0.000000300 |           worker-1001    |   0.100 us    |    parse(); /* tail call */
            0.000000500 |           worker-1001    |               |    parse() {
            0.000000550 |           worker-1001    |               |      /* sample: parse <-foo::bar(int) <-main */
            0.000000600 |           worker-1001    |   0.100 us    |    } /* parse, unwound */
            0.000001100 |             demo-1000    |   1.045 us    |      read_line();
            0.000002200 |             demo-1000    |               |      /* line 1 of "x" */
            0.000015000 |             demo-1000    | + 14.900 us   |    } /* parse */
            1.000000700 |           worker-1001    | $ 1000000 us  |  } /* foo::bar(int) */
            1.000000800 |             demo-1000    | $ 1000000 us  |  } /* main */
        """);

    [Test]
    public void GraphByThread() => Check(Demo(), new ReportOptions { ByThread = true }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
        #
        # demo-1000
            0.000000010 |             demo-1000    |               |  main() {
            0.000000100 |             demo-1000    |               |    parse() {
            0.000001100 |             demo-1000    |   1.045 us    |      read_line();
            0.000002200 |             demo-1000    |               |      /* line 1 of "x" */
            0.000015000 |             demo-1000    | + 14.900 us   |    } /* parse */
            1.000000800 |             demo-1000    | $ 1000000 us  |  } /* main */
        #
        # worker-1001
            0.000000200 |           worker-1001    |               |  foo::bar(int) {
            0.000000300 |           worker-1001    |   0.100 us    |    parse(); /* tail call */
            0.000000500 |           worker-1001    |               |    parse() {
            0.000000550 |           worker-1001    |               |      /* sample: parse <-foo::bar(int) <-main */
            0.000000600 |           worker-1001    |   0.100 us    |    } /* parse, unwound */
            1.000000700 |           worker-1001    | $ 1000000 us  |  } /* foo::bar(int) */
        """);

    [Test]
    public void FunctionsAreListedWithTheirCallers() => Check(Demo(), new ReportOptions { Format = ReportFormat.Function }, """
        # tracer: function
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #           TASK-TID     THREAD      TIMESTAMP  FUNCTION
        #             |   |        |             |          |
                    demo-1000    [001]     0.000000010: main
                    demo-1000    [001]     0.000000100: parse <-main
                  worker-1001    [002]     0.000000200: foo::bar(int)
                  worker-1001    [002]     0.000000300: parse <-foo::bar(int)
                  worker-1001    [002]     0.000000500: parse <-foo::bar(int)
                  worker-1001    [002]     0.000000550: sample: parse <-foo::bar(int) <-main
                    demo-1000    [001]     0.000001100: read_line <-parse
                    demo-1000    [001]     0.000002200: /* line 1 of "x" */
        """);

    [Test]
    public void EntriesWithoutExitsAreListed() => Check(Entries(), new ReportOptions(), """
        # tracer: function
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #           TASK-TID     THREAD      TIMESTAMP  FUNCTION
        #             |   |        |             |          |
                    demo-1000    [001]     0.000000010: parse <-main
                  worker-1001    [002]     0.000000020: read_line <-0x7f0000001000
                    demo-1000    [001]     0.000000030: sample: read_line <-parse <-main
                    demo-1000    [001]     0.000000040: /* tracing off */
                    demo-1000    [001]     0.000000050: /* tracing on */
                    demo-1000    [001]     0.000000060: /* café �[31m */
        """);

    [Test]
    public void TimesCanBeUtc() => Check(Demo(), new ReportOptions { Utc = true, Mangled = true }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #              TIME                          TASK-TID         DURATION       FUNCTION CALLS
        #                |                             |   |            |   |        |   |   |   |
        2027-01-15T08:00:00.000000010Z |             demo-1000    |               |  main() {
        2027-01-15T08:00:00.000000100Z |             demo-1000    |               |    parse() {
        2027-01-15T08:00:00.000000200Z |           worker-1001    |               |  _ZN3foo3barEi() {
        2027-01-15T08:00:00.000000300Z |           worker-1001    |   0.100 us    |    parse(); /* tail call */
        2027-01-15T08:00:00.000000500Z |           worker-1001    |               |    parse() {
        2027-01-15T08:00:00.000000550Z |           worker-1001    |               |      /* sample: parse <-_ZN3foo3barEi <-main */
        2027-01-15T08:00:00.000000600Z |           worker-1001    |   0.100 us    |    } /* parse, unwound */
        2027-01-15T08:00:00.000001100Z |             demo-1000    |   1.045 us    |      read_line();
        2027-01-15T08:00:00.000002200Z |             demo-1000    |               |      /* line 1 of "x" */
        2027-01-15T08:00:00.000015000Z |             demo-1000    | + 14.900 us   |    } /* parse */
        2027-01-15T08:00:01.000000700Z |           worker-1001    | $ 1000000 us  |  } /* _ZN3foo3barEi */
        2027-01-15T08:00:01.000000800Z |             demo-1000    | $ 1000000 us  |  } /* main */
        """);

    [Test]
    public void ARangeOfTimes() => Check(Demo(), new ReportOptions { From = Start + 200, To = Start + 2200 }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
            0.000000200 |           worker-1001    |               |  foo::bar(int) {
            0.000000300 |           worker-1001    |   0.100 us    |    parse(); /* tail call */
            0.000000500 |           worker-1001    |               |    parse() {
            0.000000550 |           worker-1001    |               |      /* sample: parse <-foo::bar(int) <-main */
            0.000000600 |           worker-1001    |   0.100 us    |    } /* parse, unwound */
            0.000001100 |             demo-1000    |   1.045 us    |      read_line();
            0.000002200 |             demo-1000    |               |      /* line 1 of "x" */
            0.000002200 |           worker-1001    |               |  } /* foo::bar(int), still running */
        """);

    [Test]
    public void TheLastLines() => Check(Demo(), new ReportOptions { Tail = 3 }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
            0.000015000 |             demo-1000    | + 14.900 us   |    } /* parse */
            1.000000700 |           worker-1001    | $ 1000000 us  |  } /* foo::bar(int) */
            1.000000800 |             demo-1000    | $ 1000000 us  |  } /* main */
        """);

    [Test]
    public void TheLastLinesOfEachThread() => Check(Demo(), new ReportOptions { Tail = 1, ByThread = true }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
        #
        # demo-1000
            1.000000800 |             demo-1000    | $ 1000000 us  |  } /* main */
        #
        # worker-1001
            1.000000700 |           worker-1001    | $ 1000000 us  |  } /* foo::bar(int) */
        """);

    [Test]
    public void EndsThatWereNotSeenAreTold() => Check(Torn(), new ReportOptions(), """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: 25 events of demo-1000, 7 events of threads without a buffer
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
            0.000000010 |             demo-1000    |               |  } /* parse, entry not seen */
            0.000000020 |             demo-1000    |               |  read_line() {
            0.000000030 |             demo-1000    |               |    read_line() {
            0.000000030 |             demo-1000    |               |      /* [LOST 25 EVENTS] */
            0.000000050 |             demo-1000    |               |    } /* read_line, exit not seen */
            0.000000050 |             demo-1000    |               |  } /* read_line, exit not seen */
            0.000000050 |             demo-1000    |               |  parse() {
            0.000000050 |             demo-1000    |               |    /* [LOST 2 BLOCKS] */
            0.000000060 |             demo-1000    |   0.010 us    |  } /* parse */
            0.000000070 |             demo-1000    |               |  main() {
            0.000000080 |           worker-1001    |   0.010 us    |  } /* main, called in demo-1000 */
            0.000000090 |             demo-1000    |               |  0x9000() {
            0.000000095 |             demo-1000    |               |    /* [LOST 3 EVENTS] */
            0.000000100 |             demo-1000    |               |    read_line() {
            0.000000100 |             demo-1000    |               |    } /* read_line, still running */
            0.000000100 |             demo-1000    |               |  } /* 0x9000, still running */
        """);

    [Test]
    public void AnEmptyTraceHasAHint() => Check(New(), new ReportOptions(), """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        # The trace has no events. Was the program compiled with -fpatchable-function-entry=5 (GCC, Clang)?
        # Did a filter (-f, -n) match none of its functions? Which can be traced, and why others cannot, says:
        #     ftrace list /bin/demo
        """);

    [Test]
    public void ColoursAreForLongCalls() => Check(Long(), new ReportOptions { Colours = true }, """
        # tracer: function_graph
        #
        # command: demo -x 'a b'
        # process: 1000 on host
        # recorded: 2027-01-15 08:00:00 UTC, for 2.000000 s
        # lost: nothing
        #
        #      TIME                   TASK-TID         DURATION       FUNCTION CALLS
        #        |                      |   |            |   |        |   |   |   |
            0.000000000 |             demo-1000    |   0.001 us    |  parse();
            0.000000001 |             demo-1000    |   0.002 us    |  read_line();
            0.000000003 |             demo-1000    |   0.010 us    |  parse();
            0.000000013 |             demo-1000    |   0.011 us    |  read_line();
            0.000000024 |             demo-1000    |   0.100 us    |  parse();
            0.000000124 |             demo-1000    |   0.101 us    |  read_line();
            0.000000225 |             demo-1000    |   1.000 us    |  parse();
            0.000001225 |             demo-1000    |   1.001 us    |  read_line();
            0.000002226 |             demo-1000    |   10.000 us   |  parse();
            0.000012226 |             demo-1000    | \e[33m+ 10.001 us   \e[0m|  read_line();
            0.000022227 |             demo-1000    | \e[33m+ 100.000 us  \e[0m|  parse();
            0.000122227 |             demo-1000    | \e[33m! 100.001 us  \e[0m|  read_line();
            0.000222228 |             demo-1000    | \e[33m! 1000.000 us \e[0m|  parse();
            0.001222228 |             demo-1000    | \e[33m# 1000.001 us \e[0m|  read_line();
            0.002222229 |             demo-1000    | \e[33m# 10000.00 us \e[0m|  parse();
            0.012222229 |             demo-1000    | \e[31m* 10000.00 us \e[0m|  read_line();
            0.022222230 |             demo-1000    | \e[31m* 100000.0 us \e[0m|  parse();
            0.122222230 |             demo-1000    | \e[31m@ 100000.0 us \e[0m|  read_line();
            0.222222231 |             demo-1000    | \e[31m@ 1000000 us  \e[0m|  parse();
            1.222222231 |             demo-1000    | \e[31m$ 1000000 us  \e[0m|  read_line();
        """);

    private static TraceFileBuilder New() => new TraceFileBuilder { Start = [Start, Start, Utc], End = [Start + 2 * Second, Start + 2 * Second, Utc + 2 * Second] }
        .Process(1000, 1, Start, "/bin/demo", ["demo", "-x", "a b"], "/tmp", "host")
        .Object(1, Start, 0x400000, 0x500000, 0x400000, "/bin/demo")
        .Symbols(1, (Main, 0x100, "main"), (F, 0x100, "parse"), (G, 0x100, "read_line"), (Cxx, 0x100, "_ZN3foo3barEi"))
        .Thread(1, 1000)
        .Thread(2, 1001)
        .ThreadName(2, 1001, Start, "worker");

    private static TraceFileBuilder Demo() => New()
        .Entry(1, Start + 10, 1, Main)
        .Entry(1, Start + 100, 2, F)
        .Entry(1, Start + 1100, 3, G)
        .Exit(1, Start + 2145, 3, G)
        .Mark(1, Start + 2200, "line 1 of \"x\"\n")
        .Exit(1, Start + 15_000, 2, F)
        .Entry(2, Start + 200, 17, Cxx)
        .Entry(2, Start + 300, 18, F)
        .EndOfCall(2, Start + 400, 18, F, 1)
        .Entry(2, Start + 500, 18, F)
        .Sample(2, Start + 550, F + 8, [Cxx + 9, Main + 9], [])
        .EndOfCall(2, Start + 600, 18, F, 2)
        .Exit(2, Start + Second + 700, 17, Cxx)
        .Exit(1, Start + Second + 800, 1, Main);

    [TestCase(1u, "2027-01-15 08:00:00 UTC, not finished")]
    [TestCase(2u, "2027-01-15 08:00:00 UTC, for 2.000000 s")]
    [TestCase(3u, "2027-01-15 08:00:00 UTC, for 2.000000 s, a snapshot")]
    [TestCase(4u, "2027-01-15 08:00:00 UTC, until the process ended")]
    public void TheStateIsTold(uint state, string text)
    {
        TraceFileBuilder builder = Demo();
        builder.State = state;
        Assert.That(Report(builder, new ReportOptions()), Does.Contain($"\n# recorded: {text}\n"));
    }

    private static TraceFileBuilder Entries() => New()
        .FunctionEntry(1, Start + 10, F, Main + 20)
        .FunctionEntry(2, Start + 20, G, 0x7f0000001000)
        .Sample(1, Start + 30, G + 4, [], [F + 5, Main + 5])
        .Switched(1, Start + 40, on: false)
        .Switched(1, Start + 50, on: true)
        .Mark(1, Start + 60, "caf\u00e9 \u001b[31m");

    private static TraceFileBuilder Torn() => New()
        .Exit(1, Start + 10, 2, F)
        .Entry(1, Start + 20, 2, G)
        .Entry(1, Start + 30, 3, G)
        .NextBlock(1, lost: 25)
        .Entry(1, Start + 50, 2, F)
        .NextBlock(1, lost: 25, missing: 2)
        .Exit(1, Start + 60, 2, F)
        .Entry(1, Start + 70, 4, Main)
        .Exit(2, Start + 80, 4, Main)
        .Entry(1, Start + 90, 5, 0x9000)
        .Lost(1, Start + 95, 3)
        .Entry(1, Start + 100, 6, G)
        .LostRecord(0, 1, 7);

    private static TraceFileBuilder Long()
    {
        TraceFileBuilder builder = New();
        ulong time = Start;
        for (ulong duration = 1; duration <= Second; duration *= 10)
        {
            builder.Entry(1, time, 1, F).Exit(1, time + duration, 1, F);
            time += duration;
            builder.Entry(1, time, 1, G).Exit(1, time + duration + 1, 1, G);
            time += duration + 1;
        }

        return builder;
    }

    private static void Check(TraceFileBuilder builder, ReportOptions options, string expected) =>
        Assert.That(Report(builder, options), Is.EqualTo(expected.Replace("\\e", "\u001b") + "\n"));

    private static string Report(TraceFileBuilder builder, ReportOptions options)
    {
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        return Report(file, options);
    }

    private static string Report(TraceFile file, ReportOptions options)
    {
        using var stream = new MemoryStream();
        Ftrace.Tool.Reports.Report.Write(file, options, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
