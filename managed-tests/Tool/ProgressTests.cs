using System;
using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><see cref="Progress"/>, with a clock that the test turns.</summary>
[TestFixture]
public sealed class ProgressTests
{
    [Test]
    public void ShortWorkPrintsNothing() => Assert.That(Run(100, 9, 100), Is.Empty);

    [Test]
    public void LongWorkRewritesItsLineAndErasesIt() =>
        Assert.That(Run(4, 400, 4), Is.EqualTo("\r75 %\r99 %\r    \r"), "nothing in the first second, and never all of it before the end");

    /// <summary>However many steps there are, ten lines a second at most, and none if nothing has changed.</summary>
    [Test]
    public void LinesAreFew()
    {
        string printed = Run(100_000, 1, 100_000);
        Assert.That(printed.Split('\r'), Has.Length.EqualTo(99 + 1 + 2), "1 % to 99 %, and the erased line");
    }

    /// <summary>The work is done once more than was expected.</summary>
    [Test]
    public void MoreStepsThanExpected() => Assert.That(Run(2, 1000, 4), Is.EqualTo("\r50 %\r99 %\r75 %\r99 %\r    \r"));

    [Test]
    public void WorkWithoutSteps() => Assert.That(Run(0, 1000, 3), Is.Empty);

    [Test]
    public void WithoutATerminalNothingHappens()
    {
        using var progress = new Progress(null, new Clock());
        progress.Expect(1);
        progress.Advance();
        Assert.Pass();
    }

    /// <summary>The terminal is closed: the work goes on.</summary>
    [Test]
    public void ATerminalThatIsGone()
    {
        var clock = new Clock();
        using var progress = new Progress(new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0), clock);
        progress.Expect(2);
        clock.Milliseconds += 2000;
        Assert.That(progress.Advance, Throws.Nothing);
        Assert.That(progress.Dispose, Throws.Nothing);
    }

    /// <summary>What is printed for so many steps that take so long.</summary>
    private static string Run(long expected, int millisecondsEach, long steps)
    {
        var clock = new Clock();
        using var terminal = new MemoryStream();
        using (var progress = new Progress(terminal, clock))
        {
            progress.Expect(expected);
            for (long i = 0; i < steps; i++)
            {
                clock.Milliseconds += millisecondsEach;
                progress.Advance();
            }
        }

        return Encoding.ASCII.GetString(terminal.ToArray());
    }

    private sealed class Clock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
