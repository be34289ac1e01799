using System.IO;
using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// Every step of the protocol, left out: the explorer must find what it is for. The shortest trace to the failure is
/// kept in expected/; FTRACE_ACCEPT_TRACES=1 writes it anew.
/// </summary>
public sealed class MutantTests
{
    [TestCase(nameof(Mutant.GateAfterStop))]
    [TestCase(nameof(Mutant.NoStop))]
    [TestCase(nameof(Mutant.PlainIncrement))]
    [TestCase(nameof(Mutant.PlainDecrement))]
    [TestCase(nameof(Mutant.PlainCmpxchg))]
    [TestCase(nameof(Mutant.PlainClear))]
    [TestCase(nameof(Mutant.NoFirstWait))]
    [TestCase(nameof(Mutant.NoSecondWait))]
    [TestCase(nameof(Mutant.NmiDoesNotWrite))]
    [TestCase(nameof(Mutant.NoSyncCore))]
    [TestCase(nameof(Mutant.NoSyncAll))]
    [TestCase(nameof(Mutant.NoParkedSync))]
    [TestCase(nameof(Mutant.NoSerializeParked))]
    [TestCase(nameof(Mutant.NoTextChanged))]
    [TestCase(nameof(Mutant.NoWindowSync))]
    [TestCase(nameof(Mutant.NoReleaseOwnSync))]
    [TestCase(nameof(Mutant.NotKilled))]
    [TestCase(nameof(Mutant.NoDeferral))]
    [TestCase(nameof(Mutant.CheckBeforePop))]
    [TestCase(nameof(Mutant.OneFlag))]
    [TestCase(nameof(Mutant.ExitByGate))]
    [TestCase(nameof(Mutant.NoClearOnFailure))]
    [TestCase(nameof(Mutant.NoPublishBarrier))]
    [TestCase(nameof(Mutant.NoWrittenBarrier))]
    [TestCase(nameof(Mutant.NoEnterBarrier))]
    public void IsCaught(string name) => IsCaught(System.Enum.Parse<Mutant>(name), Configurations.Every);

    [TestCase(nameof(Mutant.SeizedInNmi))]
    [TestCase(nameof(Mutant.LetGoWithoutNote))]
    [TestCase(nameof(Mutant.CountedBeforeStopped))]
    [TestCase(nameof(Mutant.SeizedGoFirst))]
    public void OfSeizedThreadsIsCaught(string name) => IsCaught(System.Enum.Parse<Mutant>(name), Configurations.Seized);

    [TestCase(nameof(Mutant.GateAfterLook))]
    [TestCase(nameof(Mutant.NoGateSync))]
    [TestCase(nameof(Mutant.NoLook))]
    [TestCase(nameof(Mutant.OnePhase))]
    [TestCase(nameof(Mutant.NoSecondLook))]
    [TestCase(nameof(Mutant.PlainHeld))]
    [TestCase(nameof(Mutant.NoArmBarrier))]
    [TestCase(nameof(Mutant.NoHeldWait))]
    [TestCase(nameof(Mutant.NoUnblock))]
    [TestCase(nameof(Mutant.NoBlock))]
    [TestCase(nameof(Mutant.DisarmFirst))]
    [TestCase(nameof(Mutant.NoBreakpoint))]
    [TestCase(nameof(Mutant.NoBreakpointSync))]
    [TestCase(nameof(Mutant.HeadsFirst))]
    [TestCase(nameof(Mutant.NoTailSync))]
    [TestCase(nameof(Mutant.CodeStaysOld))]
    [TestCase(nameof(Mutant.NewWhilePutBack))]
    [TestCase(nameof(Mutant.NoHeadSync))]
    [TestCase(nameof(Mutant.NoOwnSync))]
    [TestCase(nameof(Mutant.NoWithdrawBarrier))]
    [TestCase(nameof(Mutant.NoHandlersWait))]
    [TestCase(nameof(Mutant.NoKeepBarrier))]
    [TestCase(nameof(Mutant.NoKeepWait))]
    [TestCase(nameof(Mutant.PlainHandlers))]
    [TestCase(nameof(Mutant.NoLookBefore))]
    [TestCase(nameof(Mutant.NoLookAfter))]
    public void OfTheBreakpointMethodIsCaught(string name) =>
        IsCaught(System.Enum.Parse<Mutant>(name), Configurations.Breakpoints);

    [TestCase(nameof(Mutant.NoBatchBarrier))]
    [Explicit]
    [Category("prove")]
    public void IsRedundant(string name)
    {
        foreach (Configuration configuration in Configurations.Breakpoints)
        {
            var exploration = new Exploration(configuration, System.Enum.Parse<Mutant>(name));
            exploration.Run();
            Assert.That(exploration.Violation, Is.Null, () => "\n" + exploration.Trace());
        }
    }

    private static void IsCaught(Mutant mutant, Configuration[] configurations)
    {
        foreach (Configuration configuration in configurations)
        {
            var exploration = new Exploration(configuration, mutant);
            exploration.Run();
            if (exploration.Violation != null)
            {
                Table.Mutants.Add($"{mutant,-17} {configuration.Name,-33} {exploration.Violation}");
                Compare(mutant, exploration.Trace());
                Assert.That(Replay(configuration, mutant, exploration.Trace()), Is.EqualTo(exploration.Violation));
                return;
            }
        }

        Assert.Fail($"no configuration notices {mutant}");
    }

    /// <summary>Makes the transitions of a trace's schedule; returns what is wrong at its end.</summary>
    private static string? Replay(Configuration configuration, Mutant mutant, string trace)
    {
        const string Key = "\nschedule: ";

        var simulation = new Simulation(configuration, mutant);
        MachineState state = simulation.Initial();
        string schedule = trace[(trace.IndexOf(Key, System.StringComparison.Ordinal) + Key.Length)..].Trim();
        string? wrong = null;
        foreach (string step in schedule.Split(' '))
        {
            Assert.That(wrong, Is.Null, "only the last step goes wrong");
            wrong = simulation.Apply(state, Transition.Parse(step));
        }

        return wrong ?? simulation.CheckRest(state);
    }

    private static void Compare(Mutant mutant, string trace, [CallerFilePath] string source = "")
    {
        string file = Path.Combine(Path.GetDirectoryName(source)!, "expected", mutant + ".txt");
        if (System.Environment.GetEnvironmentVariable("FTRACE_ACCEPT_TRACES") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, trace);
        }

        Assert.That(trace, Is.EqualTo(File.ReadAllText(file)));
    }
}
