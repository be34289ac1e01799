using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Manual.Headers;
using Ftrace.Manual.Model;
using Ftrace.Manual.Output;
using NUnit.Framework;

namespace Ftrace.Tests.Manual;

/// <summary>How comments in headers become pages, and which ones do not.</summary>
public sealed class HeaderTests
{
    private const string Top = "/*\n * ftrace/demo.h - a header.\n */\n#define FTRACE_DEMO_H\n\n";

    private const string Function = """
        /**
         * ftrace_demo - do it
         * @ops: what to
         *	do
         * @flags: FTRACE_DEMO_*
         *
         * First sentence. See printf(3), ftrace_demo() and @ops.
         *
         *	code(1);
         *
         *   - one
         *     goes on
         *   - two
         *
         * Returns a number, or
         *   -EINVAL   @ops is
         *             NULL
         *   and the errors of open(2)
         *
         * Context: thread.
         * Source: demo() in the kernel.
         */
        int ftrace_demo(struct ftrace_ops *ops,
        		unsigned int flags);

        /* The first flag. */
        #define FTRACE_DEMO_ONE 1U

        """;

    private static string Man(string header) => string.Concat(Pages(header).Select(p => ManWriter.Write(p, "2026-01-31", "1.2.3")));

    private static Page[] Pages(string header)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "demo.h"), Top + header);
            var nodes = new Dictionary<string, string> { ["ftrace_demo"] = "FTRACE_1.1" };
            return [.. new ApiPages([HeaderFile.Read(Path.Combine(folder, "demo.h"))], nodes, [], new PageIndex()).Create()];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void ACommentIsAPage()
    {
        Page[] pages = Pages(Function);
        Assert.That(pages.Select(p => p.Name), Is.EqualTo(new[] { "ftrace_demo.h", "ftrace_demo" }));
        Assert.That(pages[1].Names, Is.EqualTo(new[] { "ftrace_demo", "FTRACE_DEMO_ONE" }));
        Assert.That(pages[1].Sections.Select(s => s.Heading), Is.EqualTo(new[]
        {
            "SYNOPSIS", "DESCRIPTION", "CONSTANTS", "RETURN VALUE", "ERRORS", "ATTRIBUTES", "VERSIONS", "HISTORY", "SEE ALSO",
        }));
        string man = ManWriter.Write(pages[1], "2026-01-31", "1.2.3");
        Assert.That(man, Does.StartWith(".TH FTRACE_DEMO 3 2026-01-31 \"libftrace 1.2.3\" \"libftrace Manual\"\n.SH NAME\nftrace_demo, FTRACE_DEMO_ONE \\- do it\n"));
        Assert.That(man, Does.Contain("First sentence.\nSee \\fBprintf\\fR(3), \\fBftrace_demo\\fR(3) and \\fIops\\fR."));
        Assert.That(man, Does.Contain(".EX\ncode(1);\n.EE"));
        Assert.That(man, Does.Contain(".IP \\(bu 2\none goes on\n.IP \\(bu 2\ntwo\n"));
        Assert.That(man, Does.Contain("Returns a number or a negative error number: see ERRORS.\n"));
        Assert.That(man, Does.Contain(".TP\n\\fB\\-EINVAL\\fR\n\\fIops\\fR is NULL.\n.PP\nAnd the errors of \\fBopen\\fR(2)."));
        Assert.That(man, Does.Contain("libftrace 1.1; symbol version \\fBFTRACE_1.1\\fR."));
        Assert.That(man, Does.Contain("In the Linux kernel: \\fBdemo()\\fR in the kernel."));
        Assert.That(man, Does.Contain("AS\\-Unsafe").Or.Contain("AS-Unsafe"));
    }

    /// <summary>Each changes one thing in a header that is right.</summary>
    [TestCase(" * ftrace_demo - do it\n", " * ftrace_demo does it\n", "does not begin with \"NAME - SUMMARY\": ftrace_demo does it @ops")]
    [TestCase(" * @flags: FTRACE_DEMO_*\n", "", "ftrace_demo has the parameters ops, flags; its comment describes ops")]
    [TestCase("unsigned int flags", "unsigned int flag", "ftrace_demo has the parameters ops, flag; its comment describes ops, flags")]
    [TestCase("/**\n * ftrace_demo", "/*\n * ftrace_demo", "no comment in include/ftrace describes ftrace_demo")]
    [TestCase("/* The first flag. */\n", "\n", "no comment in include/ftrace describes FTRACE_DEMO_ONE")]
    [TestCase("int ftrace_demo(", "int ftrace_other(", "names ftrace_demo, which does not follow it")]
    [TestCase("/* The first", "struct ftrace_planted {\n\tint x;\n};\n\n/* The first", "no comment in include/ftrace describes ftrace_planted")]
    public void WhatIsMissingIsAnError(string what, string instead, string message)
    {
        Assert.That(Function, Does.Contain(what));
        FormatException e = Assert.Throws<FormatException>(() => Pages(Function.Replace(what, instead, StringComparison.Ordinal)))!;
        Assert.That(e.Message, Does.Contain(message.Replace(" @ops", "", StringComparison.Ordinal)));
    }

    [Test]
    public void ATextThatBeginsWithADotIsNoRequest() =>
        Assert.That(Man(Function.Replace("First sentence.", ".planted 'x' \\ \u00b5", StringComparison.Ordinal)), Does.Contain("\n\\&.planted 'x' \\e \\[u00B5]"));

    [TestCase("## Unreleased\n## 1.1.0 (2026-12-24)\n## 1.0.0 (2026-11-26)\n", null, ExpectedResult = "2026-12-24")]
    [TestCase("## 1.0.0 (2026-11-26)\n", "1", ExpectedResult = "1970-01-01")]
    public string TheDateIsNotThatOfTheBuild(string changes, string? epoch) => Ftrace.Manual.Program.DateOf(changes, epoch);

    [Test]
    public void WithoutADateThereAreNoPages() => Assert.Throws<FormatException>(() => Ftrace.Manual.Program.DateOf("## Unreleased\n", null));
}
