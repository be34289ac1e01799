using Ftrace.Tool.Dumps;
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
        for (ushort i = 0; i < StackTree.MaxDepth + 10; i++)
        {
            builder.Entry(1, 2000u + i, (ushort)((i / 15 * 16) + i % 15 + 1), DumpDemo.Parse);
        }

        FoldedDump dump = null!;
        string[] lines = DumpDemo.Text(builder, (file, output) => dump = new FoldedDump(file, output)).Split('\n');
        Assert.That(lines, Has.Length.EqualTo(StackTree.MaxDepth), "a line each but for the thread, and the end");
        Assert.That(lines[^2], Does.EndWith(";parse 11"));
        Assert.That(dump.LeftOut, Is.EqualTo(11));
    }

    private static void Check(TraceFileBuilder builder, string expected) =>
        Assert.That(DumpDemo.Text(builder, (file, output) => new FoldedDump(file, output)), Is.EqualTo(expected));
}
