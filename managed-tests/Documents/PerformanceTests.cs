using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Bench;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Documents;

/// <summary>docs/performance.md is what the bench has written: of all its rows, and of the results beside it.</summary>
public sealed class PerformanceTests
{
    private const int MaxPlotSize = 100_000;

    private static string Folder => Path.Combine(SourceTree.Root, "native-tests/bench");

    private static string Template => File.ReadAllText(Path.Combine(Folder, "performance.md.in"));

    private static string Document(string suffix) => Path.Combine(SourceTree.Root, "docs/performance" + suffix);

    private static Results Measured => Results.Parse(File.ReadAllText(Document(".json")));

    /// <summary>The lines of rows.txt, without what is needed for the row.</summary>
    private static string[] Listed =>
    [
        .. File.ReadLines(Path.Combine(Folder, "rows.txt")).Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => string.Join(" | ", l.Split('|').Take(6).Select(f => f.Trim()))),
    ];

    [Test]
    public void PageIsThatOfTheResults() => Assert.That(File.ReadAllText(Document(".md")), Is.EqualTo(Page.Render(Measured, Template, "performance")));

    [Test]
    public void ResultsHaveAllRows() => Assert.That(Measured.Rows.Select(r => r.Key).Distinct(), Is.EquivalentTo(Listed));

    [Test]
    public void EveryRowIsListedOnce() => Assert.That(Listed, Is.Unique);

    /// <summary>Each row has two sides and a verdict, or the reason why not.</summary>
    [Test]
    public void RowsAreComplete() =>
        Assert.That(Measured.Rows.Where(r => r.Why.Length == 0 && (r.Here == null || (r.Against.Length > 0 && r.Peer == null) || (r.Target != null && r.Verdict.Length == 0))), Is.Empty);

    [Test]
    public void ResultsAreNotThoseOfAQuickRun() => Assert.That(Measured.Quick, Is.False);

    [Test]
    public void PlotsAreThere([ValueSource(nameof(PlotNames))] string name)
    {
        string svg = File.ReadAllText(Document($"-{name}.svg"));
        Assert.That(svg, Has.Length.LessThan(MaxPlotSize).And.Contain(Measured.Machine.Kernel));
    }

    [Test]
    public void PlantedFaultsAreFound()
    {
        Results results = Small();
        const string Text = "{{machine}}\n{{verdicts}}\n{{noise}}\n{{table calls}}\n{{table stops}}\n{{plot calls}}\n";
        string page = Page.Render(results, Text, "page");
        Assert.Multiple(() =>
        {
            Assert.That(page, Does.Contain("| a \\* b | 1.50 µs (1.20 to 1.60) | by hand | 1.00 µs (0.90 to 1.10) | 1.50 | at most 2: met |"));
            Assert.That(page, Does.Contain("| a row | 2.00 ms (1.00 to 3.00) | uftrace | peer not installed: package uftrace |  |  |"));
            Assert.That(page, Does.Contain("| threads | 1 | 2 | against | target |\n").And.Contain("| stop | 10.0 µs (**1.40**) | 20.0 µs (1.20?) | bare | at most 1.3 |"));
            Assert.That(page, Does.Contain("Measured on 2026-01-02 with libftrace 1.1.0 (commit abcdef0, abcdef1): A CPU, 2 CPUs,"));
            Assert.That(page, Does.Contain("Of 3 figures that have a target, 1 meet it, 1 miss it, 1 are noisy, and 0 have no peer here."));
            Assert.That(page, Does.Contain("| stop | other programs used 50 % of the CPUs |").And.Contain("![A whole run, by the number of calls that it makes](page-calls.svg)"));
            Assert.That(Page.Render(Results.Parse(results.ToJson()), Text, "page"), Is.EqualTo(page));

            // A section that is missing, twice, or not there; a number that is another one.
            Assert.That(() => Page.Render(results, Text.Replace("{{table stops}}", "", StringComparison.Ordinal), "page"), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => Page.Render(results, Text + "{{table stops}}\n", "page"), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => Page.Render(results, Text + "{{table others}}\n", "page"), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => Page.Render(results, Text + "{{others}}\n", "page"), Throws.InstanceOf<InvalidDataException>());
            Row first = results.Rows[0];
            Assert.That(Page.Render(results with { Rows = [first with { Ratio = first.Peer }, .. results.Rows.Skip(1)] }, Text, "page"), Is.Not.EqualTo(page));
        });
    }

    /// <summary>A part that is measured again replaces what is there of it, and nothing else.</summary>
    [Test]
    public void PartsAreMerged()
    {
        Results old = Small();
        Results newer = old with { Parts = [old.Parts[1] with { Noisy = "" }], Rows = [.. old.Rows.Where(r => r.Part == "stop").Select(r => r with { Verdict = "met" })], Notes = [] };
        Results merged = newer.With(old);
        Assert.Multiple(() =>
        {
            Assert.That(merged.Rows.Select(r => r.Key), Is.EqualTo(old.Rows.Select(r => r.Key)));
            Assert.That(merged.Rows.Where(r => r.Part == "stop").Select(r => r.Verdict), Has.All.EqualTo("met"));
            Assert.That(merged.Parts.Select(p => p.Name), Is.EqualTo(old.Parts.Select(p => p.Name)));
            Assert.That(merged.Parts[1].Noisy, Is.Empty);
            Assert.That(() => (newer with { Machine = old.Machine with { Cpus = 64 } }).With(old), Throws.InstanceOf<InvalidDataException>());
        });
    }

    private static IEnumerable<string> PlotNames => Plots.All.Select(p => p.Name);

    private static Results Small()
    {
        static Spread Spread(double median, double q1, double q3) => new(median, q1, q3, q3, q1, q3);
        static Row Stop(long n, double value, double ratio, string verdict) => new("stop", "stops", "stop", "us")
        {
            Axis = "threads", N = n, Rounds = 10, Here = Spread(value, value, value), Against = "bare", Peer = Spread(value / ratio, 1, 1), Ratio = Spread(ratio, ratio, ratio), RatioOf = "here/peer",
            Target = new("ratio", "at most", 1.3), Verdict = verdict,
        };
        return new(new("A CPU", 2, "6.1", "12.2", "19.1"), "1.1.0", false,
            [new("trace", "2026-01-02T03:04:05Z", "abcdef0", 60, 0.01, 0, 1, 0, ""), new("stop", "2026-01-02T03:05:05Z", "abcdef1", 60, 0.5, 0, 1, 0, "other programs used 50 % of the CPUs")],
            [new("calls", "A note.")],
            [
                new("trace", "calls", "a * b", "ns")
                {
                    Rounds = 10, Here = Spread(1500, 1200, 1600), Against = "by hand", Peer = Spread(1000, 900, 1100), Ratio = Spread(1.5, 1.4, 1.6), RatioOf = "here/peer",
                    Target = new("ratio", "at most", 2), Verdict = "met",
                },
                new("trace", "calls", "a row", "ms") { Rounds = 10, Here = Spread(2, 1, 3), Against = "uftrace", Verdict = "not measured", Why = "peer not installed: package uftrace" },
                Stop(1, 10, 1.4, "missed"), Stop(2, 20, 1.2, "noisy"),
            ]);
    }
}
