using System;
using System.IO;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump</c> as people call it: which events are written.</summary>
[TestFixture]
public sealed class DumpCommandTests
{
    private TemporaryFile _file = null!;

    [OneTimeSetUp]
    public void MakeFile() => _file = new TemporaryFile(DumpDemo.Everything());

    [OneTimeTearDown]
    public void RemoveFile() => _file.Dispose();

    /// <summary>The recording began at 1000 ns.</summary>
    [TestCase("--tid 1000 --range ..0.0000013", "demo;main 200\ndemo;main;parse 100\n")]
    [TestCase("--thread wor?ker --range 0.0000012..", "wor:ker;op\"\\ <a&b>::f(int, 'x') 50\n")]
    [TestCase("--range 0.000001505..0.000001506", "demo;main 1\n")]
    [TestCase("--range 5..", "")]
    public void WhatIsWrittenCanBeChosen(string options, string expected) =>
        Assert.That(ToolProcess.Run(["dump", _file.Path, "-F", "folded", .. options.Split(' ')]).Output, Is.EqualTo(expected));

    [TestCase("--tid 7", 1, "has no thread 7")]
    [TestCase("--range 1", 64, "--range takes FROM..TO")]
    public void WrongUsageIsToldInALine(string options, int status, string message)
    {
        (int Status, string Output, string Error) result = ToolProcess.Run(["dump", _file.Path, "-F", "folded", .. options.Split(' ')]);
        Assert.That(result.Status, Is.EqualTo(status));
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.Error, Does.Contain(message));
    }

    /// <summary>A thread that was not chosen is not even named.</summary>
    [TestCase("chrome")]
    [TestCase("speedscope")]
    [TestCase("folded")]
    [TestCase("svg")]
    public void OtherThreadsAreNotWritten(string format)
    {
        string output = Path.Combine(Path.GetTempPath(), $"ftrace-{Guid.NewGuid()}");
        try
        {
            foreach ((string id, bool hasOther) in (ReadOnlySpan<(string, bool)>)[("1000", false), ("1001", true)])
            {
                Assert.That(ToolProcess.Run("dump", _file.Path, "-F", format, "--tid", id, "-o", output, "--force").Status, Is.Zero);
                string text = File.ReadAllText(output);
                Assert.That(text.Contains("wor;ker", StringComparison.Ordinal) || text.Contains("wor:ker", StringComparison.Ordinal), Is.EqualTo(hasOther));
            }
        }
        finally
        {
            File.Delete(output);
        }
    }

    [Test]
    public void OtherTasksAreNotWritten()
    {
        string directory = Path.Combine(Path.GetTempPath(), $"ftrace-{Guid.NewGuid()}");
        try
        {
            Assert.That(ToolProcess.Run("dump", _file.Path, "-F", "uftrace", "--tid", "1001", "-o", directory).Status, Is.Zero);
            Assert.That(File.Exists(Path.Combine(directory, "1001.dat")), Is.True);
            Assert.That(File.Exists(Path.Combine(directory, "1000.dat")), Is.False);
            Assert.That(File.ReadAllText(Path.Combine(directory, "task.txt")), Does.Not.Contain("tid=1000"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
