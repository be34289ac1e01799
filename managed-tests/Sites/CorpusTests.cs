using System;
using System.IO;
using Ftrace.Fuzz;
using Ftrace.Tests.Abi;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>The inputs that ./build.sh fuzz begins with, and those that it found something with.</summary>
[NonParallelizable]
public sealed class CorpusTests
{
    private static string[] Inputs(string target)
    {
        string[] inputs = Directory.GetFiles(Path.Combine(SourceTree.Root, "managed-tests/fuzz/corpus", target));
        Assert.That(inputs, Is.Not.Empty);
        return inputs;
    }

    private static void Replay(string target, Action<byte[]> run)
    {
        foreach (string input in Inputs(target))
        {
            try
            {
                run(File.ReadAllBytes(input));
            }
            catch (Exception exception)
            {
                Assert.Fail($"{input}: {exception}");
            }
        }
    }

    [Test]
    public void ElfFiles()
    {
        var target = new ElfTarget();
        Replay("elf", target.Run);
        Assert.That(target.SiteCount, Is.GreaterThan(100), "places in some of them");
        Assert.That(target.SledCount, Is.GreaterThan(4), "sleds in some of them");
        Assert.That(target.JumpCount, Is.GreaterThan(2), "branches in some of them");
        Assert.That(target.UnlistedCount, Is.GreaterThan(0), "functions that are not listed in some of them");
        Assert.That(target.FunctionCount, Is.GreaterThan(0), "a function in some of them");
    }

    /// <summary>
    /// Two names of what one resolver has chosen, of which it has one as a clone too; one of what another has; none of a third, whose word is
    /// as before the first call.
    /// </summary>
    [Test]
    public void IndirectFunctionsAreNamed()
    {
        var target = new ElfTarget();
        target.Run(File.ReadAllBytes(Path.Combine(SourceTree.Root, "managed-tests/fuzz/corpus/elf/made-indirect")));
        Assert.That((target.SiteCount, target.AliasCount), Is.EqualTo((3, 3)));
    }

    /// <summary>All inputs as objects that are read before they are relocated.</summary>
    [Test]
    public void ElfFilesBeforeRelocation()
    {
        var target = new ElfTarget();
        Replay("elf", input => target.Run(ElfTarget.BeforeRelocation(input)));
        Assert.That(target.SiteCount, Is.GreaterThan(100), "places in some of them");
    }

    /// <summary>The same with one mapping after the other that fails.</summary>
    [Test]
    public void ElfFilesWithoutMemory()
    {
        const int Mappings = 13;

        var target = new ElfTarget();
        for (byte failing = 1; failing <= Mappings; failing++)
        {
            Replay("elf", input => target.Run(ElfTarget.WithFailingMapping(input, failing)));
            Replay("elf", input => target.Run(ElfTarget.WithFailingMapping(ElfTarget.BeforeRelocation(input), failing)));
        }
    }

    [Test]
    public void Patterns() => Replay("glob", GlobTarget.Run);

    [Test]
    public void CxxNames() => Replay("cxx", CxxTarget.Run);

    [Test]
    public void RustNames() => Replay("rust", RustTarget.Run);

    [Test]
    public void Traces()
    {
        Replay("trace", TraceTarget.Run);
        Assert.That(TraceTarget.FileCount, Is.GreaterThan(0), "files that are accepted");
        Assert.That(TraceTarget.EventCount, Is.GreaterThan(20), "events in some of them");
        Assert.That(TraceTarget.CallCount, Is.GreaterThan(2), "whole calls in some of them");
    }
}
