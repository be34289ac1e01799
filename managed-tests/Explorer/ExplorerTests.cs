using System.Collections.Generic;
using System.Diagnostics;
using NUnit.Framework;

namespace Ftrace.Tests.Explorer;

/// <summary>The shipped protocol, in every interleaving of small configurations.</summary>
public sealed class ExplorerTests
{
    private static IEnumerable<Configuration> Every => Configurations.Every;

    private static IEnumerable<Configuration> Breakpoints => Configurations.Breakpoints;

    private static IEnumerable<Configuration> Large => Configurations.Large;

    [TestCaseSource(nameof(Every))]
    public void NothingGoesWrong(object configuration) => Explore((Configuration)configuration, Mutant.None);

    [TestCaseSource(nameof(Breakpoints))]
    public void NothingGoesWrongWithBreakpoints(object configuration) => Explore((Configuration)configuration, Mutant.None);

    [TestCaseSource(nameof(Large))]
    [Explicit]
    [Category("prove")]
    public void NothingGoesWrongInTheLargerSet(object configuration) => Explore((Configuration)configuration, Mutant.None);

    [TestCaseSource(nameof(Every))]
    public void TheProtocolBefore2010IsCorrectToo(object configuration) => Explore((Configuration)configuration, Mutant.NoGate);

    private static void Explore(Configuration configuration, Mutant mutant)
    {
        var time = Stopwatch.StartNew();
        var exploration = new Exploration(configuration, mutant);
        exploration.Run();
        Table.Configurations.Add(
            $"{configuration.Name,-72} {(mutant == Mutant.None ? "as it ships" : "no gate"),-12} {exploration.States,11:N0} {exploration.Transitions,13:N0} {exploration.Schedules,11:E1} {time.Elapsed.TotalSeconds,7:F1} s");
        Assert.That(exploration.Violation, Is.Null, () => "\n" + exploration.Trace());
    }
}
