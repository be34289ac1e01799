using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Floors;

/// <summary>The library is built in floors: each knows only those below it.</summary>
public sealed class FloorTests
{
    private const string Planted = "Ftrace.Tests.Floors.Planted";

    /// <summary>In the DLL the place of Ftrace.Linux, whose row it shares; the library that is read here does not have it.</summary>
    private const string OtherSystem = "Ftrace.Windows";

    private static readonly string s_library = typeof(NoInstrAttribute).Assembly.Location;

    private static readonly FloorOrder s_planted = new([Planted + ".High"], [Planted + ".Low"]);

    private static IReadOnlyCollection<FloorEdge> Shipped => FloorEdges.Read(s_library, "Ftrace");

    private static List<string> Forbidden(IEnumerable<FloorEdge> edges, FloorOrder order) =>
        [.. edges.Where(edge => !order.Allows(edge)).Select(order.Explain).Order(StringComparer.Ordinal)];

    [Test]
    public void NoReferenceGoesUp()
    {
        List<string> forbidden = Forbidden(Shipped, FloorOrder.Shipped);
        Assert.That(forbidden, Is.Empty, () => string.Join(Environment.NewLine, forbidden));
    }

    [Test]
    public void NoReferenceGoesUpInTheCommand()
    {
        IReadOnlyCollection<FloorEdge> edges = FloorEdges.Read(typeof(Ftrace.Tool.Reading.TraceFile).Assembly.Location, "Ftrace.Tool");
        Assert.That(edges, Is.Not.Empty);
        List<string> forbidden = Forbidden(edges, FloorOrder.Tool);
        Assert.That(forbidden, Is.Empty, () => string.Join(Environment.NewLine, forbidden));
    }

    /// <summary>A floor whose types know nobody below, and nobody above, would be none.</summary>
    [Test]
    public void EveryFloorIsThere()
    {
        IEnumerable<string> found = Shipped.SelectMany(edge => new[] { edge.From, edge.To }).Distinct();
        Assert.That(found, Is.EquivalentTo(FloorOrder.Shipped.Namespaces));
    }

    /// <summary>A file's namespace is its folder, and no folder but those of the floors has code.</summary>
    [Test]
    public void FoldersAreTheFloors()
    {
        string root = Path.Combine(SourceTree.Root, "lib");
        foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetRelativePath(root, Path.GetDirectoryName(file)!);
            if (folder.Split('/')[0] is "obj" or "bin")
            {
                continue;
            }

            string name = folder == "." ? "Ftrace" : "Ftrace." + folder.Replace('/', '.');
            Assert.That(FloorOrder.Shipped.Namespaces.Append(OtherSystem), Has.Member(name), file);
            Assert.That(File.ReadLines(file), Has.Some.EqualTo($"namespace {name};"), file);
        }

        Assert.That(Directory.EnumerateFiles(root, "*.cs").Select(Path.GetFileName), Is.EqualTo(new[] { "NoInstrAttribute.cs" }));
    }

    /// <summary>Whatever it is made of, an upward reference is found, and both its ends are named.</summary>
    [TestCase("ByBase", "Base")]
    [TestCase("ByInterface", "IContract")]
    [TestCase("ByAttribute", "MarkAttribute")]
    [TestCase("ByField", "Words")]
    [TestCase("ByGenericField", "Words")]
    [TestCase("ByFunctionPointer", "Words")]
    [TestCase("ByParameter", "Words")]
    [TestCase("ByResult", "Base")]
    [TestCase("ByConstraint", "IContract")]
    [TestCase("ByLocal", "Words")]
    [TestCase("BySize", "Words")]
    [TestCase("ByCall", "Calls")]
    [TestCase("ByGenericCall", "Words")]
    [TestCase("ByAddress", "Calls")]
    [TestCase("ByNested", "Calls")]
    public void PlantedReferenceIsFound(string from, string to)
    {
        List<string> found = Forbidden(FloorEdges.Read(typeof(FloorTests).Assembly.Location, Planted), s_planted);
        Assert.That(found, Has.Member($"{Planted}.Low -> {Planted}.High: {from} refers to {to} (upwards)"));
        Assert.That(found, Has.None.Contains("ByNothing"));
    }

    [Test]
    public void ReferenceDownIsAllowed()
    {
        var turned = new FloorOrder([Planted + ".Low"], [Planted + ".High"]);
        Assert.That(Forbidden(FloorEdges.Read(typeof(FloorTests).Assembly.Location, Planted), turned), Is.Empty);
    }

    /// <summary>The library itself, with an order that it does not have.</summary>
    [TestCase("beside it", "Ftrace.Nmi -> Ftrace.Text: X86Machine refers to TextWriter")]
    [TestCase("there is no such floor", "Ftrace.Breakpoint -> Ftrace.Nmi: TrapSignal refers to TrapState")]
    [TestCase("upwards", "Ftrace.Text -> Ftrace.Linux: TextWriter refers to ProcMem")]
    public void AnotherOrderIsNotTheLibrarys(string why, string edge)
    {
        var order = new FloorOrder(["Ftrace.Linux"], ["Ftrace.Nmi", "Ftrace.Text"]);
        Assert.That(Forbidden(Shipped, order), Has.Member($"{edge} ({why})"));
    }

    [Test]
    public void ProtocolKnowsNobody()
    {
        var edge = new FloorEdge("Ftrace.Protocol", "NmiProtocol", "Ftrace.Linux", "Native");
        Assert.That(FloorOrder.Shipped.Explain(edge), Does.EndWith("(it is to know nobody)"));
        Assert.That(FloorOrder.Shipped.Allows(edge with { To = "Ftrace" }), Is.True);
    }
}
