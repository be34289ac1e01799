using System.Linq;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The functions of addresses.</summary>
[TestFixture]
public sealed class TraceSymbolsTests
{
    [Test]
    public void AnAddressBelongsToTheObjectThatHadItAtThatTime()
    {
        using var saved = new TemporaryFile(new TraceFileBuilder { Start = [1, 1, 1] }
            .Object(1, 100, 0x1000, 0x3000, 0x1000, "/lib/first.so")
            .Symbols(1, (0x1100, 0x10, "first"))
            .ObjectClosed(1, 200)
            .Object(2, 300, 0x1000, 0x2000, 0x1000, "/lib/second.so")
            .Symbols(2, (0x1100, 0x10, "second"))
            .ObjectClosed(2, 400)
            .Object(1, 500, 0x1000, 0x2000, 0x800, "/lib/third.so")
            .Symbols(1, (0x1100, 0x10, "third")));
        using TraceFile file = TraceFile.Open(saved.Path);
        string[] names = [.. new ulong[] { 150, 350, 550, 250, 150, 50, 399, 400 }.Select(time => NameAt(file, 0x1100, time))];
        Assert.That(names, Is.EqualTo((string[])["first", "second", "third", "0x1100", "first", "0x1100", "second", "0x1100"]));
        Assert.That(file.Symbols.ObjectOf(file.Symbols.FunctionAt(0x1100, 350))!.Name, Is.EqualTo("second.so"));
        Assert.That(file.Symbols.ObjectOf(file.Symbols.FunctionAt(0x1100, 250)), Is.Null);
        Assert.That(NameAt(file, 0x1200, 550), Is.EqualTo("third.so+0xa00"));
    }

    [Test]
    public void AFunctionHasAllItsAddresses()
    {
        using var saved = new TemporaryFile(new TraceFileBuilder()
            .Object(1, 0, 0x1000, 0x9000, 0x1000, "/bin/demo")
            .Symbols(1, (0x3000, 0x10, "last"), (0x2000, 0, "unsized"))
            .UntracedSymbols(1, (0x1100, 0x20, "untraced")));
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.Multiple(() =>
        {
            Assert.That(NameAt(file, 0x1100, 1), Is.EqualTo("untraced"));
            Assert.That(NameAt(file, 0x111f, 1), Is.EqualTo("untraced"));
            Assert.That(NameAt(file, 0x1120, 1), Is.EqualTo("demo+0x120"));
            Assert.That(NameAt(file, 0x10ff, 1), Is.EqualTo("demo+0xff"));
            Assert.That(NameAt(file, 0x2fff, 1), Is.EqualTo("unsized"));
            Assert.That(NameAt(file, 0x3010, 1), Is.EqualTo("demo+0x2010"));
            Assert.That(file.Symbols.FunctionAt(0x1100, 1), Is.EqualTo(file.Symbols.FunctionAt(0x1104, 2)));
            Assert.That(file.Symbols.HasSymbol(file.Symbols.FunctionAt(0x1104, 2)));
            Assert.That(file.Symbols.HasSymbol(file.Symbols.FunctionAt(0x1120, 2)), Is.False);
            Assert.That(file.Symbols.AddressOf(file.Symbols.FunctionAt(0x1104, 2)), Is.EqualTo(0x1100));
            Assert.That(file.Symbols.Count, Is.EqualTo(5));
        });
    }

    [Test]
    public void NamesAreAsInTheSource()
    {
        using var saved = new TemporaryFile(new TraceFileBuilder()
            .Object(1, 0, 0x1000, 0x9000, 0x1000, "/bin/demo")
            .Symbols(1, (0x1100, 0x10, "_ZN3foo3barEi"), (0x1200, 0x10, "_RNvC6_123foo3bar"), (0x1300, 0x10, "_ZN"), (0x1400, 0x10, "_Z" + new string('x', 2000))));
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(NameAt(file, 0x1100, 1), Is.EqualTo("foo::bar(int)"));
        Assert.That(NameAt(file, 0x1200, 1), Is.EqualTo("123foo::bar"));
        Assert.That(NameAt(file, 0x1300, 1), Is.EqualTo("_ZN"));
        Assert.That(NameAt(file, 0x1400, 1), Has.Length.EqualTo(2002));
    }

    [Test]
    public void NamesCannotCommandATerminal()
    {
        using var saved = new TemporaryFile(new TraceFileBuilder()
            .Object(1, 0, 0x1000, 0x9000, 0x1000, "/bin/\u001b[2J")
            .Symbols(1, (0x1100, 0x10, "a\u001b]0;title\u0007b\u009b\nü")));
        using TraceFile file = TraceFile.Open(saved.Path);
        Assert.That(NameAt(file, 0x1100, 1), Is.EqualTo("a\ufffd]0;title\ufffdb\ufffd\ufffdü"));
        Assert.That(NameAt(file, 0x1200, 1), Is.EqualTo("\ufffd[2J+0x200"));
        Assert.That(System.Text.Encoding.UTF8.GetString(file.Symbols.RawName(file.Symbols.FunctionAt(0x1100, 1))), Does.Not.Contain("\u001b"));
    }

    private static string NameAt(TraceFile file, ulong address, ulong time) => file.Symbols.NameText(file.Symbols.FunctionAt(address, time));
}
