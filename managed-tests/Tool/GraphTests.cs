using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The trees of <c>ftrace graph</c>, to the byte.</summary>
[TestFixture]
public sealed class GraphTests
{
    private const ulong Main = 0x401000;
    private const ulong F = 0x401100;
    private const ulong G = 0x401200;
    private const ulong Cxx = 0x401300;

    [Test]
    public void Tree() => Assert.That(Of(Demo(), new GraphOptions { IsUtf8 = true }), Is.EqualTo("""
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
          90.91    1.000 us      300 ns           1  main
          54.55      600 ns      400 ns           2  ├─ parse
          18.18      200 ns      100 ns           1  │  └─ parse
           9.09      100 ns      100 ns           1  │     └─ read_line
           9.09      100 ns      100 ns           1  └─ read_line
           9.09      100 ns      100 ns           1  read_line

        """));

    [Test]
    public void TreeInAscii() => Assert.That(Of(Demo(), new GraphOptions()), Does.Contain("  |- parse\n").And.Contain("  |  `- parse\n").And.Contain("  |     `- read_line\n"));

    [Test]
    public void Depth() => Assert.That(Of(Demo(), new GraphOptions { MaxDepth = 2 }), Is.EqualTo("""
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
          90.91    1.000 us      300 ns           1  main
          54.55      600 ns      400 ns           2  |- parse
           9.09      100 ns      100 ns           1  `- read_line
           9.09      100 ns      100 ns           1  read_line
        # functions whose callees are too deep to be shown: 1; see --depth

        """));

    [Test]
    public void LeastPercent() => Assert.That(Of(Demo(), new GraphOptions { MinHundredths = 1000 }), Is.EqualTo("""
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
          90.91    1.000 us      300 ns           1  main
          54.55      600 ns      400 ns           2  `- parse
          18.18      200 ns      100 ns           1     `- parse
        # functions with less than 10.00 % that are not shown, nor what they call: 3; --min-percent 0 shows all

        """));

    /// <summary>Time of the outermost calls: 600 ns, though one of them has another one inside.</summary>
    [Test]
    public void OneFunction() => Assert.That(Of(Demo(), new GraphOptions { Function = "parse" }), Is.EqualTo("""
        Callers:
         TOTAL%       TOTAL       CALLS  FUNCTION
         100.00      600 ns           3  parse
         100.00      600 ns           2  |- main
           0.00        0 ns           1  `- parse
           0.00        0 ns           1     `- main

        Callees:
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
         100.00      600 ns      400 ns           2  parse
          33.33      200 ns      100 ns           1  `- parse
          16.67      100 ns      100 ns           1     `- read_line

        """));

    [Test]
    public void AllPlacesOfAFunction() => Assert.That(Of(Demo(), new GraphOptions { Function = "read_*" }), Is.EqualTo("""
        Callers:
         TOTAL%       TOTAL       CALLS  FUNCTION
         100.00      300 ns           3  read_line
          33.33      100 ns           1  |- main
          33.33      100 ns           1  `- parse
          33.33      100 ns           1     `- parse
          33.33      100 ns           1        `- main

        Callees:
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
         100.00      300 ns      300 ns           3  read_line

        """));

    [TestCase("_ZN3foo3barEi", true)]
    [TestCase("foo::bar(int)", true)]
    [TestCase("foo::bar", true)]
    [TestCase("foo::*", true)]
    [TestCase("bar", false)]
    public void NamesOfCxx(string name, bool isFound)
    {
        string text = Of(New().Entry(1, 0, 1, Cxx).Exit(1, 10, 1, Cxx), new GraphOptions { Function = name });
        Assert.That(text, isFound ? Does.Contain("foo::bar(int)") : Is.EqualTo("not found"));
    }

    [Test]
    public void NearestName()
    {
        using var saved = new TemporaryFile(Demo());
        using TraceFile file = TraceFile.Open(saved.Path);
        CallGraph.Read(file, EventSelection.All);
        Assert.That(new FunctionName("pase").Nearest(file.Symbols), Is.EqualTo("parse"));
        Assert.That(new FunctionName("quite_different").Nearest(file.Symbols), Is.Null);
    }

    /// <summary>Beyond the limit of nodes the time is the caller's own, and the rest is as it was.</summary>
    [Test]
    public void TooManyNodes() => Assert.That(Of(Demo(), new GraphOptions(), maxNodes: 3), Is.EqualTo("""
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
         100.00    1.000 us      400 ns           1  main
          60.00      600 ns      600 ns           2  `- parse
        # calls without a line, of too many different stacks, or too deep ones: 4. Their time is in SELF of their callers.

        """));

    [Test]
    public void TooDeep()
    {
        TraceFileBuilder builder = New();
        for (ushort i = 0; i < 1200; i++)
        {
            builder.Entry(1, i, Number(i), F);
        }

        for (int i = 1199; i >= 0; i--)
        {
            builder.Exit(1, 2400 - (ulong)i, Number(i), F);
        }

        string text = Of(builder, new GraphOptions { MaxDepth = 1 });
        Assert.That(text, Does.Contain(" 100.00    2.400 us        2 ns           1  parse\n"));
        Assert.That(text, Does.Contain("too deep ones: 200."));

        static ushort Number(int i) => (ushort)(i / 15 * 16 + i % 15 + 1);
    }

    [Test]
    public void CallsWithoutAnEnd() => Assert.That(
        Of(New().Exit(1, 5, 3, G).Entry(1, 10, 1, Main).Entry(1, 20, 2, F).Exit(1, 50, 2, F).Lost(1, 60, 3), new GraphOptions()), Is.EqualTo("""
         TOTAL%       TOTAL        SELF       CALLS  FUNCTION
         100.00       30 ns        0 ns           1  main
         100.00       30 ns       30 ns           1  `- parse
           0.00        0 ns        0 ns           1  read_line
        # calls without an entry in the trace: 1. They are counted, and have no time.
        # calls without an exit in the trace: 1. They are counted, and have no time.
        # units lost: 3. An entry or an exit is one.

        """));

    [Test]
    public void Samples() => Assert.That(
        Of(New().Sample(1, 10, F + 5, [F + 8, Main + 9], []).Sample(1, 20, F + 5, [Main + 9], []).Sample(1, 30, Main + 5, [], []), new GraphOptions()), Is.EqualTo("""
         TOTAL%        SELF     SAMPLES  FUNCTION
         100.00           1           3  main
          66.67           1           2  `- parse
          33.33           1           1     `- parse

        """));

    [Test]
    public void Entries() => Assert.That(
        Of(New().FunctionEntry(1, 10, F, Main + 9).FunctionEntry(1, 20, F, Main + 9).FunctionEntry(1, 30, G, F + 9), new GraphOptions()), Is.EqualTo("""
         TOTAL%        SELF       CALLS  FUNCTION
          66.67           0           2  main
          66.67           2           2  `- parse
          33.33           0           1  parse
          33.33           1           1  `- read_line

        """));

    [Test]
    public void EmptyTraceHasAHint() => Assert.That(Of(New(), new GraphOptions()), Does.Contain("ftrace list"));

    private static TraceFileBuilder New() => new TraceFileBuilder()
        .Process(1000, 1, 0, "/bin/demo", ["demo"], "/tmp", "host")
        .Object(1, 0, 0x400000, 0x500000, 0x400000, "/bin/demo")
        .Symbols(1, (Main, 0x100, "main"), (F, 0x100, "parse"), (G, 0x100, "read_line"), (Cxx, 0x100, "_ZN3foo3barEi"))
        .Thread(1, 1001);

    /// <summary>main 0-1000; parse 100-300, in it nothing; parse 400-800, in it parse 500-700, in it read_line 550-650; read_line 850-950; then another one.</summary>
    private static TraceFileBuilder Demo() => New()
        .Entry(1, 0, 1, Main)
        .Entry(1, 100, 2, F).Exit(1, 300, 2, F)
        .Entry(1, 400, 2, F).Entry(1, 500, 3, F).Entry(1, 550, 4, G).Exit(1, 650, 4, G).Exit(1, 700, 3, F).Exit(1, 800, 2, F)
        .Entry(1, 850, 2, G).Exit(1, 950, 2, G)
        .Exit(1, 1000, 1, Main)
        .Entry(1, 2000, 1, G).Exit(1, 2100, 1, G);

    private static string Of(TraceFileBuilder builder, GraphOptions options, int maxNodes = CallTree.DefaultMaxNodes)
    {
        using var saved = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(saved.Path);
        CallGraph graph = CallGraph.Read(file, EventSelection.All, maxNodes);
        var stream = new MemoryStream();
        using (var output = new Utf8Output(stream))
        {
            if (!GraphText.Write(output, file, graph, options))
            {
                return "not found";
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
