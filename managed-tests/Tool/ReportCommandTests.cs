using System;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace report</c> as people call it.</summary>
[TestFixture]
public sealed class ReportCommandTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong Start = 5 * Second;
    private const ulong Utc = 1_800_000_000 * Second; // 2027-01-15T08:00:00Z
    private const ulong F = 0x401000;

    private TemporaryFile _file = null!;

    [OneTimeSetUp]
    public void MakeFile() => _file = new TemporaryFile(New());

    [OneTimeTearDown]
    public void RemoveFile() => _file.Dispose();

    [Test]
    public void FilesCanBeNamedInThreeWays()
    {
        (int status, string output, string error) = ToolProcess.Run("report", _file.Path);
        Assert.That((status, error), Is.EqualTo((0, "")));
        Assert.That(Lines(output), Has.Length.EqualTo(3));
        Assert.That(ToolProcess.Run("report", "-i", _file.Path), Is.EqualTo((0, output, "")));
        Assert.That(ToolProcess.Run("report", $"--input={_file.Path}"), Is.EqualTo((0, output, "")));
        (int Status, string Output, string Error) none = ToolProcess.RunProgram("/bin/sh", ["-c", $"cd / && exec {ToolProcess.Path} report"]);
        Assert.That(none, Is.EqualTo((1, "", "ftrace: ftrace.data: no such file; record one with: ftrace record PROGRAM\n")));
    }

    [TestCase("--range 1.5..", "t=2")]
    [TestCase("--range ..1.5", "t=1")]
    [TestCase("--range 2027-01-15T08:00:01.9Z..2027-01-15T08:00:02.1Z", "t=2")]
    [TestCase("--range 2027-01-15T09:00:02+01:00..", "t=2")]
    [TestCase("--range 3..", "")]
    [TestCase("--tid 1001", "t=1")]
    [TestCase("--tid 1001 --tid 1002", "t=1 t=2")]
    [TestCase("--thread other", "t=2")]
    [TestCase("--thread o*r", "t=2")]
    [TestCase("--thread demo", "t=1")]
    [TestCase("--tail 1", "t=2")]
    [TestCase("--tail 0", "")]
    [TestCase("--merge --format graph", "t=1 t=2")]
    public void WhatIsShownCanBeChosen(string options, string expected)
    {
        (int status, string output, string error) = ToolProcess.Run(["report", _file.Path, .. options.Split(' ')]);
        Assert.That((status, error), Is.EqualTo((0, "")));
        string shown = string.Join(' ', Lines(output).Where(line => line.Contains("t=", StringComparison.Ordinal)).Select(line => line.Substring(line.IndexOf("t=", StringComparison.Ordinal), 3)));
        Assert.That(shown, Is.EqualTo(expected));
    }

    [TestCase("--tid 7", 1, "has no thread 7; it has: demo-1001, other-1002")]
    [TestCase("--thread x", 1, "has no thread x; it has: demo-1001, other-1002")]
    [TestCase("--range 1", 64, "--range takes FROM..TO: seconds, or times as 2026-01-31T12:00:00.5Z")]
    [TestCase("--range x..", 64, "--range takes FROM..TO: seconds, or times as 2026-01-31T12:00:00.5Z")]
    [TestCase("--tail x", 64, "--tail takes a number of lines")]
    [TestCase("--tid x", 64, "--tid takes the id of a thread")]
    [TestCase("--tail -1", 64, "--tail takes a number of lines")]
    [TestCase("--format json", 64, "Argument 'json' not recognized. Must be one of: 'graph' 'function'")]
    [TestCase("--merge --by-thread", 64, "--merge and --by-thread exclude each other")]
    [TestCase("-i other", 64, "FILE and --input are the same; give one of them")]
    [TestCase("--nonsense", 64, "Unrecognized command or argument '--nonsense'.")]
    public void WrongUsageIsToldInALine(string options, int status, string message)
    {
        (int got, string output, string error) = ToolProcess.Run(["report", _file.Path, .. options.Split(' ')]);
        Assert.That((got, output), Is.EqualTo((status, "")));
        Assert.That(error, Does.StartWith("ftrace: ").And.Contain(message));
        Assert.That(error.Split('\n'), Has.Length.EqualTo(status == 64 ? 3 : 2), error);
    }

    [Test]
    public void DamageIsToldAndTheRestShown()
    {
        TraceFileBuilder builder = New();
        builder.Blocks[^1][0] ^= 1;
        using var damaged = new TemporaryFile(builder);
        (int status, string output, string error) = ToolProcess.Run("report", damaged.Path);
        Assert.That(status, Is.EqualTo(1));
        Assert.That(output, Does.Contain("t=1").And.Not.Contain("t=2"));
        int offset = 4096 * builder.Blocks.Count;
        Assert.That(error, Is.EqualTo($"ftrace: {damaged.Path}: damaged at offset {offset}: there is no header of a block; the rest was read\n"));
    }

    [Test]
    public void AReaderCanLeave()
    {
        using var large = new TemporaryFile(Large());
        (int status, string output, string error) = ToolProcess.RunProgram("/bin/sh", ["-c", $"{{ {ToolProcess.Path} report {large.Path}; echo status $? >&2; }} | head -n 1"]);
        Assert.That((status, output, error), Is.EqualTo((0, "# tracer: function_graph\n", "status 0\n")));
    }

    [Test]
    public void AFullDiskIsAnError()
    {
        (int status, _, string error) = ToolProcess.RunProgram("/bin/sh", ["-c", $"{ToolProcess.Path} report {_file.Path} >/dev/full"]);
        Assert.That((status, error), Is.EqualTo((1, "ftrace: the output cannot be written: No space left on device\n")));
    }

    [Test]
    public void VersionAndHelp()
    {
        (int status, string output, string error) = ToolProcess.Run("--version");
        Assert.That((status, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Match(@"^ftrace \d+\.\d+\.\d+\nlibrary: .+\n$"));
        (status, output, error) = ToolProcess.Run("--help");
        Assert.That((status, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Contain("report"));
        Assert.That(ToolProcess.Run("report", "--help").Output, Does.Contain("--by-thread"));
    }

    [TestCase("", 64)]
    [TestCase("nonsense", 64)]
    public void WithoutACommandThereIsAHint(string argument, int status)
    {
        (int got, string output, string error) = ToolProcess.Run(argument == "" ? [] : [argument]);
        Assert.That((got, output), Is.EqualTo((status, "")));
        Assert.That(error, Does.StartWith("ftrace: ").And.EndWith("See: ftrace --help\n"));
    }

    [Test]
    public void APagerAndColoursAreForTerminals()
    {
        if (!File.Exists("/usr/bin/script"))
        {
            Assert.Ignore("script not found; install the package bsdutils");
        }

        (string, string)[] variables = [("TERM", "xterm"), ("FTRACE_PAGER", "sed 's/^/P:/'")];
        string command = $"{ToolProcess.Path} report {_file.Path}";
        (int status, string output, _) = ToolProcess.RunProgram("/usr/bin/script", ["-qec", command, "/dev/null"], variables);
        Assert.That(status, Is.Zero);
        Assert.That(output, Does.StartWith("P:# tracer: function_graph").And.Contain("\u001b[33m+ 20.000 us"));
        (_, output, _) = ToolProcess.RunProgram("/usr/bin/script", ["-qec", command + " --no-pager", "/dev/null"], [.. variables, ("NO_COLOR", "1")]);
        Assert.That(output, Does.StartWith("# tracer: function_graph").And.Not.Contain("\u001b["));
    }

    private static TraceFileBuilder New() => new TraceFileBuilder { Start = [Start, Start, Utc], End = [Start + 3 * Second, Start + 3 * Second, Utc + 3 * Second] }
        .Process(1000, 1, Start, "/bin/demo", ["demo"], "/tmp", "host")
        .Object(1, Start, 0x400000, 0x500000, 0x400000, "/bin/demo")
        .Symbols(1, (F, 0x100, "f"))
        .ThreadName(2, 1002, Start, "other")
        .Thread(1, 1001)
        .Thread(2, 1002)
        .Entry(1, Start, 1, F)
        .Exit(1, Start + 20_000, 1, F)
        .Mark(1, Start + Second, "t=1")
        .Mark(2, Start + 2 * Second, "t=2");

    /// <summary>More than a pipe takes.</summary>
    private static TraceFileBuilder Large()
    {
        TraceFileBuilder builder = New();
        for (ulong i = 0; i < 10_000; i++)
        {
            builder.Entry(1, Start + 2 * Second + i, 1, F);
        }

        return builder;
    }

    /// <summary>Without comments.</summary>
    private static string[] Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#'))];
}
