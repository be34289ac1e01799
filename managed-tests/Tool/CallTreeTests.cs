using System.Linq;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><see cref="CallTree"/>.</summary>
[TestFixture]
public sealed class CallTreeTests
{
    [Test]
    public void ManyNodesAreFoundAgain()
    {
        const int Count = 20_000;

        var tree = new CallTree();
        int[] nodes = [.. Enumerable.Range(0, Count).Select(i => tree.Callee(i % 7, i))];
        Assert.That(nodes, Is.Unique);
        Assert.That(Enumerable.Range(0, Count).Select(i => tree.Callee(i % 7, i)), Is.EqualTo(nodes));
        Assert.That(tree.Count, Is.EqualTo(Count + 1));
        Assert.That(tree.LeftOut, Is.Zero);
    }

    [Test]
    public void TotalsAreThoseOfAllAbove()
    {
        var tree = new CallTree();
        int main = tree.Callee(CallTree.Root, 1);
        int f = tree.Callee(main, 2);
        int g = tree.Callee(f, 3);
        tree[main].Self = 1;
        tree[f].Self = 10;
        tree[g].Self = 100;
        Assert.That(tree.Totals(), Is.EqualTo([111, 111, 110, 100]));
    }
}
