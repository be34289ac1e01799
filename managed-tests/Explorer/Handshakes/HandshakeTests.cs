using System.Collections.Generic;
using System.Diagnostics;
using NUnit.Framework;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>The shipped protocols between threads, in every interleaving of small configurations; and each of their steps, left out.</summary>
public sealed class HandshakeTests
{
    private static readonly Scenario[] s_stops =
    [
        new StopScenario("two threads, two attempts", stopped: 2, attempts: 2),
        new StopScenario("one thread, three attempts", stopped: 1, attempts: 3),
        new StopScenario("one thread in an NMI", stopped: 1, attempts: 3, inNmi: true),
    ];

    private static readonly Scenario[] s_graces =
    [
        new GraceScenario("two threads, two calls", traced: 2, calls: 2, nmis: 0, nesting: 0),
        new GraceScenario("one thread, nested NMIs", traced: 1, calls: 2, nmis: 2, nesting: 2),
        new GraceScenario("two threads, an NMI on one", traced: 2, calls: 1, nmis: 1, nesting: 1),
        new GraceScenario("a thread ends in a handler", traced: 2, calls: 1, nmis: 0, nesting: 0, dies: true),
    ];

    private static readonly Scenario[] s_claims =
    [
        new ClaimScenario("one record, three threads", records: 1, claiming: 3),
        new ClaimScenario("two records, two threads", records: 2, claiming: 2),
    ];

    private static IEnumerable<Scenario> Every => [.. s_stops, .. s_graces, .. s_claims];

    [TestCaseSource(nameof(Every))]
    public void NothingGoesWrong(object scenario)
    {
        var time = Stopwatch.StartNew();
        var interleavings = new Interleavings((Scenario)scenario);
        interleavings.Explore();
        Table.Configurations.Add(
            $"{interleavings.Name,-60} {"as it ships",-12} {interleavings.States,11:N0} {interleavings.Transitions,13:N0} {"",11} {time.Elapsed.TotalSeconds,7:F1} s");
        Assert.That(interleavings.Violation, Is.Null, () => interleavings.Trace);
    }

    [TestCase(nameof(HandshakeMutant.JoinLooksOnce), "a thread joins a stop that did not ask for it")]
    [TestCase(nameof(HandshakeMutant.PlainJoin), "a thread joins a stop that did not ask for it")]
    [TestCase(nameof(HandshakeMutant.ParkedLate), "a thread is counted before its record is filled in")]
    [TestCase(nameof(HandshakeMutant.AskLooksFirst), "deadlock: nobody can go on")]
    [TestCase(nameof(HandshakeMutant.PlainAsk), "deadlock: nobody can go on")]
    [TestCase(nameof(HandshakeMutant.AcceptReadsFirst), "deadlock: nobody can go on")]
    [TestCase(nameof(HandshakeMutant.AlwaysSends), "the queue of signals fills")]
    [TestCase(nameof(HandshakeMutant.NoWake), "deadlock: nobody can go on")]
    [TestCase(nameof(HandshakeMutant.PlainRelease), "deadlock: nobody can go on")]
    public void OfStopsIsCaught(string mutant, string violation) => IsCaught(mutant, violation, s_stops);

    [TestCase(nameof(HandshakeMutant.NoMembarrier), "a handler runs that was freed")]
    [TestCase(nameof(HandshakeMutant.LevelZeroOnly), "a handler runs that was freed")]
    [TestCase(nameof(HandshakeMutant.SnapshotFirst), "a handler runs that was freed")]
    [TestCase(nameof(HandshakeMutant.MarkAfterTable), "a handler runs that was freed")]
    [TestCase(nameof(HandshakeMutant.QuiescentInNmi), "a handler runs that was freed")]
    [TestCase(nameof(HandshakeMutant.NoReap), "deadlock: nobody can go on")]
    public void OfGracePeriodsIsCaught(string mutant, string violation) => IsCaught(mutant, violation, s_graces);

    [TestCase(nameof(HandshakeMutant.NoSecondLook), "a record is taken from a thread that lives")]
    [TestCase(nameof(HandshakeMutant.PlainTake), "a record has two owners")]
    [TestCase(nameof(HandshakeMutant.OwnerLate), "a record is taken from a thread that lives")]
    public void OfClaimsIsCaught(string mutant, string violation) => IsCaught(mutant, violation, s_claims);

    /// <summary>What another step ensures as well: docs/protocol.md says which.</summary>
    [TestCase(nameof(HandshakeMutant.NoPendingLook))]
    [TestCase(nameof(HandshakeMutant.OnlyAcceptReadsFirst))]
    [TestCase(nameof(HandshakeMutant.NoWakeBarrier))]
    public void IsCoveredByAnother(string mutant)
    {
        foreach (Scenario scenario in s_stops)
        {
            var interleavings = new Interleavings(scenario, System.Enum.Parse<HandshakeMutant>(mutant));
            interleavings.Explore();
            Assert.That(interleavings.Violation, Is.Null, () => interleavings.Trace);
        }
    }

    private static void IsCaught(string mutant, string violation, Scenario[] scenarios)
    {
        foreach (Scenario scenario in scenarios)
        {
            var interleavings = new Interleavings(scenario, System.Enum.Parse<HandshakeMutant>(mutant));
            interleavings.Explore();
            if (interleavings.Violation != null)
            {
                Table.Mutants.Add($"{mutant,-17} {interleavings.Name,-33} {interleavings.Violation}");
                Assert.That(interleavings.Violation, Is.EqualTo(violation), () => interleavings.Trace);
                return;
            }
        }

        Assert.Fail($"no scenario notices {mutant}");
    }
}
