using System;
using System.Text;
using Ftrace.Names;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>How like a pattern a name is.</summary>
public sealed class NearestNameTests
{
    private static int Compare(string pattern, string name) =>
        new NearestName(Encoding.Latin1.GetBytes(pattern)).Compare(Encoding.Latin1.GetBytes(name));

    [TestCase("parse", "parse", 0)]
    [TestCase("Parse", "pARSE", 0)]
    [TestCase("parse", "prase", 2)]
    [TestCase("parse", "pare", 1)]
    [TestCase("parse", "parsed", 1)]
    [TestCase("parse", "xparsed", 2)]
    [TestCase("parse", "carve", 2)]
    [TestCase("parse_lines", "prase_line", 3)]
    [TestCase("prase*", "parse_line", 2)]
    [TestCase("*lnie", "parse_line", 2)]
    [TestCase("*lien*", "parse_line", NearestName.NotNear)]
    [TestCase("line", "parse_line", 1010)]
    [TestCase("*line*", "parse_line", 1010)]
    [TestCase("parse", "compute", NearestName.NotNear)]
    [TestCase("p?rse", "parse", NearestName.NotNear)]
    [TestCase("p[a-c]rse", "parse", NearestName.NotNear)]
    [TestCase("p", "parse", NearestName.NotNear)]
    [TestCase("*", "parse", NearestName.NotNear)]
    [TestCase("", "parse", NearestName.NotNear)]
    [TestCase("parse", "", NearestName.NotNear)]
    public void Table(string pattern, string name, int expected) => Assert.That(Compare(pattern, name), Is.EqualTo(expected));

    /// <summary>The longest text that is compared letter by letter, and names around its length.</summary>
    [Test]
    public void LongNamesAreCompared()
    {
        for (int length = 60; length < 70; length++)
        {
            for (int other = 50; other < 80; other++)
            {
                int contained = other >= length ? 1000 + other : NearestName.NotNear;
                int changes = Math.Abs(length - other);
                int expected = length <= 64 && changes <= 3 ? changes : contained;
                Assert.That(Compare(new string('x', length), new string('x', other)), Is.EqualTo(expected), $"{length} {other}");
            }
        }
    }

    /// <summary>With many names the letters are not compared any more.</summary>
    [Test]
    public void WorkIsBounded()
    {
        var nearest = new NearestName(Encoding.Latin1.GetBytes(new string('x', 64)));
        byte[] name = Encoding.Latin1.GetBytes(new string('y', 64));
        byte[] meant = Encoding.Latin1.GetBytes(new string('x', 63));
        Assert.That(nearest.Compare(meant), Is.EqualTo(1));
        for (int i = 0; i < 5000; i++)
        {
            nearest.Compare(name);
        }

        Assert.That(nearest.Compare(meant), Is.EqualTo(NearestName.NotNear));
    }
}
