using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Xml;
using System.Xml.Linq;
using Ftrace.Tool.Dumps;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format svg</c>. What its script does is tested in a browser, by <c>soak-flamegraph</c>.</summary>
[TestFixture]
public sealed class SvgDumpTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Test]
    public void Boxes() => Assert.That(Boxes(Svg(DumpDemo.Everything())), Is.EqualTo([
        "0 all 0+1200 self 0 calls 0",
        "1 demo 0+1000 self 0 calls 0",
        "2 main 0+1000 self 850 calls 1",
        "3 parse 0+150 self 150 calls 2",
        "1 wor;ker 1000+200 self 0 calls 0",
        $"2 {DumpDemo.OddName} 1000+100 self 100 calls 1",
        "2 parse 1100+100 self 100 calls 1"]));

    [Test]
    public void Tooltips()
    {
        XElement box = Svg(DumpDemo.Everything()).Descendants(s_svg + "g").Single(g => (string?)g.Attribute("data-n") == "main");
        Assert.That(box.Element(s_svg + "title")!.Value, Is.EqualTo("main: 1.000 µs, 83.33 %; self 850 ns, 70.83 %, 1 call"));
    }

    /// <summary>Without its script it is a picture.</summary>
    [Test]
    public void Picture()
    {
        XElement[] boxes = [.. Svg(DumpDemo.Everything()).Descendants(s_svg + "g").Where(g => g.Attribute("data-n") != null)];
        foreach (XElement box in boxes)
        {
            XElement rectangle = box.Element(s_svg + "rect")!;
            double x = Number(rectangle, "x");
            Assert.That(x, Is.GreaterThanOrEqualTo(10));
            Assert.That(x + Number(rectangle, "width"), Is.LessThanOrEqualTo(1190.01));
            Assert.That(6.63 * box.Element(s_svg + "text")!.Value.Length, Is.LessThanOrEqualTo(Number(rectangle, "width")));
        }

        Assert.That(boxes[2].Element(s_svg + "text")!.Value, Is.EqualTo("main"));
        Assert.That(Number(boxes[2].Element(s_svg + "rect")!, "y"), Is.LessThan(Number(boxes[1].Element(s_svg + "rect")!, "y")));
    }

    [Test]
    public void SamplesAreCounted()
    {
        XDocument svg = Svg(DumpDemo.Samples());
        Assert.That((string?)svg.Root!.Attribute("data-unit"), Is.EqualTo("samples"));
        Assert.That(Boxes(svg), Does.Contain("2 main 0+3 self 1 calls 0").And.Contain("3 parse 0+2 self 2 calls 0"));
    }

    /// <summary>The smallest boxes are left out, and it is said what they are.</summary>
    [Test]
    public void SmallBoxesAreAccounted()
    {
        XDocument svg = Svg(DumpDemo.Everything(), 5);
        Assert.That(Boxes(svg).Select(box => box.Split(' ')[1]), Is.EqualTo(["all", "demo", "main", "parse", "wor;ker"]));
        Assert.That(Details(svg), Is.EqualTo("1.200 µs in all; 2 small boxes left out, 16.67 %"));
    }

    [Test]
    public void CutBeginningIsSaid()
    {
        Assert.That(Details(Svg(DumpDemo.Cut())), Is.EqualTo("100 ns in all; it begins in the middle, what was before is overwritten"));
        Assert.That(Details(Svg(DumpDemo.Stacks())), Is.EqualTo("60 ns in all"));
    }

    [Test]
    public void Nothing()
    {
        XDocument svg = Svg(new TraceFileBuilder());
        Assert.That(Boxes(svg), Is.Empty);
        Assert.That(svg.ToString(), Does.Contain("nothing was recorded"));
    }

    /// <summary>Nothing is fetched from anywhere.</summary>
    [Test]
    public void StandsAlone()
    {
        string text = DumpDemo.Text(DumpDemo.Everything(), (file, output) => new SvgDump(file, output));
        string[] addresses = [.. text.Split('"', '\'').Where(part => part.Contains("://", System.StringComparison.Ordinal)).Distinct()];
        Assert.That(addresses, Is.EquivalentTo(["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"]), "names, not addresses");
        Assert.That(text, Does.Not.Contain("@import").And.Not.Contain("url("));
    }

    private static XDocument Svg(TraceFileBuilder builder, int maxBoxes = 20_000)
    {
        string text = DumpDemo.Text(builder, (file, output) => new SvgDump(file, output, maxBoxes: maxBoxes));
        return XDocument.Load(XmlReader.Create(new System.IO.StringReader(text), new XmlReaderSettings { CheckCharacters = true }));
    }

    private static string Details(XDocument svg) => svg.Descendants(s_svg + "text").Single(text => (string?)text.Attribute("id") == "details").Value;

    private static List<string> Boxes(XDocument svg) =>
    [
        .. svg.Descendants(s_svg + "g").Where(g => g.Attribute("data-n") != null).Select(g => string.Create(
            CultureInfo.InvariantCulture,
            $"{g.Attribute("data-d")!.Value} {g.Attribute("data-n")!.Value} {g.Attribute("data-x")!.Value}+{g.Attribute("data-t")!.Value} self {g.Attribute("data-s")!.Value} calls {g.Attribute("data-c")!.Value}")),
    ];

    private static double Number(XElement element, string attribute) => double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
