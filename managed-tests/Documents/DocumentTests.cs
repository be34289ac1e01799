using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Documents;

/// <summary>The documents: links that lead somewhere, blocks that a test compiles or runs, and what they must have.</summary>
public sealed class DocumentTests
{
    private const int MaxReadmeLines = 120;

    private static string[] Documents => [.. DocumentCheck.FilesBelow(SourceTree.Root)];

    private static string Text(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    [Test]
    public void NothingIsDead()
    {
        var check = new DocumentCheck(SourceTree.Root);
        string[] documents = Documents;
        Assert.That(documents.Select(Path.GetFileName), Does.Contain("README.md").And.Contain("glossary.md"));
        Assert.That(documents.SelectMany(check.Check), Is.Empty);
    }

    [Test]
    public void ReadmeIsShort() => Assert.That(Text("README.md").Split('\n'), Has.Length.LessThanOrEqualTo(MaxReadmeLines + 1));

    /// <summary>Whoever lands in the folder finds the way: each document is linked by the README, or by one that it links.</summary>
    [Test]
    public void EveryDocumentIsReached()
    {
        var reached = new HashSet<string>();
        var rest = new Queue<string>([Path.Combine(SourceTree.Root, "README.md")]);
        while (rest.TryDequeue(out string? path))
        {
            if (!reached.Add(path))
            {
                continue;
            }

            foreach (MarkdownLink link in new MarkdownFile(File.ReadAllText(path)).Links)
            {
                string target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, link.Target.Split('#')[0]));
                if (target.EndsWith(".md", StringComparison.Ordinal) && File.Exists(target))
                {
                    rest.Enqueue(target);
                }
            }
        }

        Assert.That(Documents.Except(reached), Is.Empty);
    }

    /// <summary>Whoever gets an error finds it.</summary>
    [Test]
    public void EveryErrorHasASection()
    {
        IEnumerable<string> errors = SourceTree.Headers.SelectMany(h => Regex.Matches(Text("include/" + h), @"-E[A-Z0-9]{2,}\b")).Select(m => m.Value);
        IEnumerable<string> sections = Regex.Matches(Text("docs/troubleshooting.md"), "^### (-E[A-Z0-9]+)$", RegexOptions.Multiline).Select(m => m.Groups[1].Value);
        Assert.That(errors.Distinct(), Is.EquivalentTo(sections));
    }

    /// <summary>ftrace_strerror() knows what the headers name, and nothing else.</summary>
    [Test]
    public void EveryErrorHasAText()
    {
        IEnumerable<string> errors = SourceTree.Headers.SelectMany(h => Regex.Matches(Text("include/" + h), @"-E[A-Z0-9]{2,}\b")).Select(m => m.Value);
        string[] texts = [.. Regex.Matches(Text("lib/Native/strerror.c"), @"case (-E[A-Z0-9]+):\s+return (?:""[^""]+""\s*)+;").Select(m => m.Groups[1].Value)];
        Assert.That(errors.Distinct(), Is.EquivalentTo(texts));
    }

    [TestCase("A patch", "a-patch")]
    [TestCase("C++", "c")]
    [TestCase("`-EIO`, for good", "-eio-for-good")]
    [TestCase("Why [this](that.md) is_so", "why-this-is_so")]
    public void AnchorsAreThoseOfGitHub(string heading, string anchor) => Assert.That(MarkdownFile.AnchorOf(heading), Is.EqualTo(anchor));

    [Test]
    public void SecondHeadingOfANameHasANumber() =>
        Assert.That(new MarkdownFile("# One\n## Two\n## Two\n").Anchors, Is.EquivalentTo(new[] { "one", "two", "two-1" }));

    /// <summary>One fault a line; the other lines are as they should be.</summary>
    [Test]
    public void PlantedFaultsAreFound()
    {
        const string First = """
            # First
            [good](second.md#there), [this](#first), [folder](docs), [web](https://example.org/#x), `[span](no.md)`, `docs/second.md`
            [no file](third.md)
            [no heading](second.md#here)
            [no heading here](#there)
            ![no picture](docs/no.svg)
            [outside](../../etc/passwd)
            [reference]: no.md
            `lib/No.cs`

            ```c
            [in a block](no.md)
            ```

            ```perl
            ```

                indented
            """;
        string root = Path.Combine(TestContext.CurrentContext.WorkDirectory, Guid.NewGuid().ToString());
        Directory.CreateDirectory(Path.Combine(root, "docs"));
        try
        {
            string path = Path.Combine(root, "first.md");
            File.WriteAllText(path, First);
            File.WriteAllText(Path.Combine(root, "second.md"), "# Second\n\n## There\n");
            File.WriteAllText(Path.Combine(root, "docs/second.md"), "```c\n");
            var check = new DocumentCheck(root);
            Assert.That(check.Check(path), Is.EqualTo(new[]
            {
                "first.md:3: third.md: no such file",
                "first.md:4: second.md#here: no such heading",
                "first.md:5: #there: no such heading",
                "first.md:6: docs/no.svg: no such file",
                "first.md:7: ../../etc/passwd: outside of the tree",
                "first.md:8: no.md: no such file",
                "first.md:9: lib/No.cs: no such file",
                "first.md:15: no test knows blocks of 'perl'",
                "first.md:18: a block that is indented; use a fence",
            }));
            Assert.That(check.Check(Path.Combine(root, "docs/second.md")), Is.EqualTo(new[] { "docs/second.md: a block has no end" }));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
