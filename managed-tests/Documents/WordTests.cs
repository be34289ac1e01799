using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Documents;

/// <summary>What users read keeps to the words of the glossary.</summary>
public sealed class WordTests
{
    private static IEnumerable<WordRule> Rules => WordCheck.Rules;

    [Test]
    public void NoWordIsRuledOut()
    {
        string root = SourceTree.Root;
        string[] files =
        [
            .. DocumentCheck.FilesBelow(root),
            .. SourceTree.Headers.Select(h => Path.Combine(SourceTree.Include, h)),
            .. Directory.GetFiles(Path.Combine(root, "examples")),
            Path.Combine(root, "build.sh"),
            Path.Combine(root, "lib/Native/strerror.c"),
        ];
        Assert.That(files.Select(Path.GetFileName), Does.Contain("README.md").And.Contain("patch.h").And.Contain("count.c").And.Contain("strerror.c"));
        Assert.That(files.SelectMany(f => WordCheck.Check(Path.GetRelativePath(root, f), File.ReadAllText(f))), Is.Empty);
    }

    [TestCaseSource(nameof(Rules))]
    public void PlantedWordIsFound(object rule)
    {
        var word = (WordRule)rule;
        Assert.That(WordCheck.Check("planted.md", word.Planted), Is.Not.Empty);
        Assert.That(WordCheck.Check("planted.md", word.Instead), Is.Empty);
    }

    [Test]
    public void PlantedWordIsNamedWithItsLine()
    {
        const string Header = "/*\n * Fails for\n * want of memory, or continues\n * behind the call.\n */\n";
        Assert.That(WordCheck.Check("planted.h", Header), Is.EqualTo(new[]
        {
            "planted.h:2: \"for want of\"; write: with -ENOMEM, or: because there is no",
            "planted.h:4: \"behind\"; write: after",
        }));
    }

    [Test]
    public void ExpressionInTwoStringsIsFound() =>
        Assert.That(WordCheck.Check("planted.c", "\t\treturn \"could not be put \"\n\t\t       \"back\";\n"), Is.EqualTo(new[]
        {
            "planted.c:1: \"put back\"; write: undo",
        }));

    [Test]
    public void ListInTheGlossaryIsNotText() =>
        Assert.That(WordCheck.Check("glossary.md", "after\n\n## Words that are not used\n\n| behind | after |\n"), Is.Empty);
}
