using Ftrace.Tool.Commands;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The command line of <c>ftrace record</c>.</summary>
public sealed class RecordOptionTests
{
    [TestCase("record", "prog", "-l", ExpectedResult = "record -- prog -l")]
    [TestCase("record", "-b", "4M", "prog", "-b", ExpectedResult = "record -b 4M -- prog -b")]
    [TestCase("record", "--buffer", "4M", "prog", ExpectedResult = "record --buffer 4M -- prog")]
    [TestCase("record", "--buffer=4M", "prog", ExpectedResult = "record --buffer=4M -- prog")]
    [TestCase("record", "-b4M", "prog", ExpectedResult = "record -b4M -- prog")]
    [TestCase("record", "-q", "prog", ExpectedResult = "record -q -- prog")]
    [TestCase("record", "-qo", "x", "prog", ExpectedResult = "record -qo x -- prog")]
    [TestCase("record", "-ox", "prog", ExpectedResult = "record -ox -- prog")]
    [TestCase("record", "--stream", "-f", "a", "-f", "b", "prog", "--", "x", ExpectedResult = "record --stream -f a -f b -- prog -- x")]
    [TestCase("record", "--", "prog", "-l", ExpectedResult = "record -- prog -l")]
    [TestCase("record", "-o", ExpectedResult = "record -o")]
    [TestCase("record", "--help", ExpectedResult = "record --help")]
    [TestCase("record", "-", ExpectedResult = "record -- -")]
    [TestCase("record", "", ExpectedResult = "record -- ")]
    [TestCase("report", "prog", "-l", ExpectedResult = "report prog -l")]
    [TestCase(ExpectedResult = "")]
    public string TheProgramEndsTheOptions(params string[] args) => string.Join(' ', RecordCommand.SeparateProgram(CommandTree.Create(), args));

    [TestCase("1", 1L)]
    [TestCase("64k", 64L << 10)]
    [TestCase("64K", 64L << 10)]
    [TestCase("4M", 4L << 20)]
    [TestCase("2G", 2L << 30)]
    [TestCase("0", null)]
    [TestCase("", null)]
    [TestCase("K", null)]
    [TestCase("-1", null)]
    [TestCase("1.5M", null)]
    [TestCase("1T", null)]
    [TestCase("99999999999999999999", null)]
    public void Sizes(string text, long? expected) => Assert.That(ValueText.ToBytes(text), Is.EqualTo(expected));

    [TestCase("1", 1L)]
    [TestCase("100ns", 100L)]
    [TestCase("1.5us", 1500L)]
    [TestCase("10ms", 10_000_000L)]
    [TestCase("2s", 2_000_000_000L)]
    [TestCase("0", null)]
    [TestCase("s", null)]
    [TestCase("", null)]
    [TestCase("-1s", null)]
    [TestCase("1,5us", null)]
    [TestCase("1 s", null)]
    [TestCase("99999999999s", null)]
    public void Times(string text, long? expected) => Assert.That(ValueText.ToNanoseconds(text), Is.EqualTo(expected));

    [TestCase("10", 10L)]
    [TestCase("USR1", 10L)]
    [TestCase("SIGUSR2", 12L)]
    [TestCase("SYS", 31L)]
    [TestCase("RTMIN", 34L)]
    [TestCase("SIGRTMIN+3", 37L)]
    [TestCase("RTMIN+30", 64L)]
    [TestCase("RTMIN+31", null)]
    [TestCase("RTMIN-1", null)]
    [TestCase("65", null)]
    [TestCase("0", null)]
    [TestCase("usr1", null)]
    [TestCase("", null)]
    public void Signals(string text, long? expected) => Assert.That(ValueText.ToSignal(text), Is.EqualTo(expected));
}
