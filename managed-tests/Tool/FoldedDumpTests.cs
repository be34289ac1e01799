using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format folded</c>, to the byte.</summary>
[TestFixture]
public sealed class FoldedDumpTests
{
    [Test]
    public void Everything() => Check(DumpDemo.Everything(), """
        demo;main 850
        demo;main;parse 150
        wor:ker;op"\ <a&b>::f(int, 'x') 100
        wor:ker;parse 100

        """);

    [Test]
    public void BeginningCut() => Check(DumpDemo.Cut(), """
        demo;main 50
        demo;main;op"\ <a&b>::f(int, 'x') 40
        demo;main;op"\ <a&b>::f(int, 'x');parse 10

        """);

    /// <summary>After main has ended, the time is that of parse alone.</summary>
    [Test]
    public void Stacks() => Check(DumpDemo.Stacks(), """
        demo;main 10
        demo;main;parse 20
        demo;parse 30

        """);

    [Test]
    public void SamplesAreCounted() => Check(DumpDemo.Samples(), """
        demo;main 1
        demo;main;parse 2

        """);

    [Test]
    public void EntriesAreCounted() => Check(DumpDemo.Entries(), """
        demo;parse 2
        wor:ker;op"\ <a&b>::f(int, 'x') 1

        """);

    /// <summary>What is under way at the range's ends is cut there.</summary>
    [Test]
    public void Range() => Check(DumpDemo.Everything(), 2150, 2420, """
        demo;main 200
        demo;main;parse 70
        wor:ker;op"\ <a&b>::f(int, 'x') 100

        """);

    /// <summary>No event is in it, and main runs all the time.</summary>
    [Test]
    public void RangeInsideACall() => Check(DumpDemo.Everything(), 2501, 2599, "demo;main 98\n");

    [TestCase(0ul, 1999ul)]
    [TestCase(3001ul, ulong.MaxValue)]
    [TestCase(2999ul, 2001ul)]
    public void RangeWithNothing(ulong from, ulong to) => Check(DumpDemo.Everything(), from, to, "");

    /// <summary>Calls without an entry: some of them end in the range, some after it.</summary>
    [TestCase(0ul, 2030ul, "demo;main;op\"\\ <a&b>::f(int, 'x') 20\ndemo;main;op\"\\ <a&b>::f(int, 'x');parse 10\n")]
    [TestCase(2020ul, 2060ul, "demo;main 10\ndemo;main;op\"\\ <a&b>::f(int, 'x') 30\n")]
    public void RangeOfCutTrace(ulong from, ulong to, string expected) => Check(DumpDemo.Cut(), from, to, expected);

    [Test]
    public void OneThread() => Assert.That(
        DumpDemo.Text(DumpDemo.Everything(), (file, output) => new FoldedDump(file, output), file => new EventSelection { Threads = [file.Threads[1]] }),
        Is.EqualTo("wor:ker;op\"\\ <a&b>::f(int, 'x') 100\n"));

    [Test]
    public void Nothing() => Check(new TraceFileBuilder(), "");

    /// <summary>With room for main only, the time of its callees is its own; what has no place is counted.</summary>
    [Test]
    public void TooManyStacks()
    {
        FoldedDump dump = null!;
        string text = DumpDemo.Text(DumpDemo.Cut(), (file, output) => dump = new FoldedDump(file, output, maxNodes: 3));
        Assert.That(text, Is.EqualTo("demo;main 100\n"));
        Assert.That(dump.LeftOut, Is.EqualTo(2));
    }

    [Test]
    public void RecursionIsCutOff()
    {
        TraceFileBuilder builder = DumpDemo.Names();
        for (ushort i = 0; i < CallTree.MaxDepth + 10; i++)
        {
            builder.Entry(1, 2000u + i, (ushort)((i / 15 * 16) + i % 15 + 1), DumpDemo.Parse);
        }

        FoldedDump dump = null!;
        string[] lines = DumpDemo.Text(builder, (file, output) => dump = new FoldedDump(file, output)).Split('\n');
        Assert.That(lines, Has.Length.EqualTo(CallTree.MaxDepth), "a line each but for the thread, and the end");
        Assert.That(lines[^2], Does.EndWith(";parse 11"));
        Assert.That(dump.LeftOut, Is.EqualTo(11));
    }

    private static void Check(TraceFileBuilder builder, ulong from, ulong to, string expected) => Assert.That(
        DumpDemo.Text(builder, (file, output) => new FoldedDump(file, output), _ => new EventSelection { From = from, To = to }), Is.EqualTo(expected));

    private static void Check(TraceFileBuilder builder, string expected) =>
        Assert.That(DumpDemo.Text(builder, (file, output) => new FoldedDump(file, output)), Is.EqualTo(expected));
}
