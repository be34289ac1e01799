using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.Elf;
using Iced.Intel;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>The machine code of Native/trace_entry.S and graph_entry.S, which the explorer cannot run: it does what the explorer's traced thread does.</summary>
[Category("noinstr")]
public sealed class TrampolineTests
{
    private static readonly string[] s_entries = ["ftrace_caller", "ftrace_vectors_caller", "ftrace_regs_caller", "ftrace_regs_vectors_caller"];

    private static readonly string[] s_graphEntries = ["ftrace_graph_caller", "ftrace_graph_return", "ftrace_graph_regs_caller", "ftrace_graph_regs_return"];

    private ElfObject _object = null!;
    private string _folder = "";

    [OneTimeSetUp]
    public void ReadObject()
    {
        _folder = Path.GetDirectoryName(BuildOutput.Find("FTRACE_OBJECT", BuildOutput.Library))!;
        _object = new ElfObject(File.ReadAllBytes(Path.Combine(_folder, "trace_entry.o")));
    }

    private TrampolineCheck Check(string[] entries, Action<byte[]>? change = null) => new(new TrampolineCode(_object, change), entries);

    [Test]
    public void MarkComesFirstAndGoesLast()
    {
        TrampolineCheck check = Check(s_entries);
        Assert.That(check.Violations, Is.Empty);

        // Those that make a struct ftrace_regs serve NMIs too; the others have a clear more, for calls that come late.
        Assert.That(check.HandlerCalls.Count(), Is.EqualTo(s_entries.Length));
        Assert.That(check.Marks.Count(), Is.EqualTo(s_entries.Length));
        Assert.That(check.Clears.Count(), Is.EqualTo(s_entries.Length + 2));
        Assert.That(check.Levels.Count(), Is.EqualTo(2 * 2));
    }

    [Test]
    public void MarkComesFirstAndGoesLastAroundCallsWhoseExitsAreTraced()
    {
        TrampolineCheck check = Check(s_graphEntries);
        Assert.That(check.Violations, Is.Empty);

        // The short ones have two calls, of a handler and of graph.c, and a clear more, before they go to the others.
        Assert.That(check.HandlerCalls.Count(), Is.EqualTo(s_graphEntries.Length + 2));
        Assert.That(check.Marks.Count(), Is.EqualTo(s_graphEntries.Length));
        Assert.That(check.Clears.Count(), Is.EqualTo(s_graphEntries.Length + 4));
        Assert.That(check.Levels.Count(), Is.EqualTo(2 * 2));
    }

    [Test]
    public void MissingMarkIsFound() => EachIsMissed(check => check.Marks, "before the mark");

    [Test]
    public void MarkThatStaysIsFound() => EachIsMissed(check => check.Clears, "the mark");

    [Test]
    public void MissingLevelIsFound() => EachIsMissed(check => check.Levels, "the mark");

    /// <summary>The mark, moved after the reads of slot and table.</summary>
    [Test]
    public void LateMarkIsFound()
    {
        foreach (Instruction mark in Check(s_entries).Marks)
        {
            IEnumerable<string> violations = Check(s_entries, code => MoveDown(code, mark)).Violations;
            Assert.That(violations, Has.Some.Contains("reads what may change before the mark"), mark.ToString());
        }
    }

    private void EachIsMissed(Func<TrampolineCheck, IEnumerable<Instruction>> which, string violation)
    {
        foreach (string[] entries in new[] { s_entries, s_graphEntries })
        {
            foreach (Instruction instruction in which(Check(entries)))
            {
                Assert.That(Check(entries, code => LeaveOut(code, instruction)).Violations, Has.Some.Contains(violation), instruction.ToString());
            }
        }
    }

    private static void LeaveOut(byte[] code, Instruction instruction) => code.AsSpan((int)instruction.IP, instruction.Length).Fill(0x90);

    /// <summary>
    /// At the entry the stack has, from the top: the stub, where the function continues, where it returns to. At the exit the address in the block,
    /// or, if all registers are to be saved, the slot, the site, and where the function returns to.
    /// </summary>
    [TestCase("ftrace_caller", 8)]
    [TestCase("ftrace_vectors_caller", 8)]
    [TestCase("ftrace_regs_caller", 8)]
    [TestCase("ftrace_regs_vectors_caller", 8)]
    [TestCase("ftrace_graph_caller", 8)]
    [TestCase("ftrace_graph_regs_caller", 8)]
    [TestCase("ftrace_graph_return", 0)]
    [TestCase("ftrace_graph_regs_return", 16)]
    public void RegistersAreAsBefore(string entry, int target)
    {
        var check = new RegisterCheck(new TrampolineCode(_object), entry);
        Assert.That(check.Violations, Is.Empty);

        var continues = new RegisterValue(RegisterValueKind.Word, target);
        (RegisterValue, int)[] ends = entry switch
        {
            "ftrace_graph_caller" or "ftrace_graph_regs_caller" => [(continues, 16), (RegisterValue.Unknown, 24)], // into the function, or a block
            "ftrace_graph_return" => [(RegisterValue.Unknown, 0)], // as the slot has it
            _ => [(continues, target)],
        };
        Assert.That(check.Ends, Is.EquivalentTo(ends));
    }

    /// <summary>Each move of a register, of the stack pointer, or of a vector register is needed.</summary>
    [TestCase("ftrace_caller")]
    [TestCase("ftrace_vectors_caller")]
    [TestCase("ftrace_graph_caller")]
    [TestCase("ftrace_graph_return")]
    public void RegisterThatIsNotKeptIsFound(string entry)
    {
        var intact = new RegisterCheck(new TrampolineCode(_object), entry);
        Instruction[] moves = [.. intact.Moves];
        Assert.That(moves, Has.Length.GreaterThan(60));
        foreach (Instruction move in moves)
        {
            var check = new RegisterCheck(new TrampolineCode(_object, code => LeaveOut(code, move)), entry);
            Assert.That(check.Violations.Any() || !check.Ends.SetEquals(intact.Ends), $"{move.IP:x}: {move}");
        }
    }

    /// <summary>What is called with the vector registers not saved.</summary>
    [TestCase("graph.o")]
    [TestCase("trace.o")]
    [TestCase("recorder.o")]
    [TestCase("trigger.o")]
    public void NativeFileUsesNoVectorRegisters(string file)
    {
        var elf = new ElfObject(File.ReadAllBytes(Path.Combine(_folder, file)));
        int[] sections = [.. elf.Symbols.Where(symbol => symbol is { Type: ElfSymbol.Function, Size: > 0 }).Select(symbol => symbol.Section).Distinct()];
        Assert.That(sections, Is.Not.Empty);
        foreach (int section in sections)
        {
            Assert.That(UsesOfVectors(elf.Content(section)), Is.Empty);
        }
    }

    [Test]
    public void UseOfVectorRegisterIsFound() =>
        Assert.That(UsesOfVectors([0x90, 0x66, 0x0f, 0xef, 0xc0, 0xd9, 0xe8]), Is.EqualTo(new[] { "pxor xmm0,xmm0", "fld1" }));

    private static IEnumerable<string> UsesOfVectors(byte[] code)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(code));
        while (decoder.IP < (ulong)code.Length)
        {
            Instruction instruction = decoder.Decode();
            CpuidFeature[] features = [.. instruction.Code.CpuidFeatures()];
            bool general = features.All(feature => feature is CpuidFeature.INTEL8086 or CpuidFeature.INTEL186 or CpuidFeature.INTEL286 or CpuidFeature.INTEL386
                or CpuidFeature.INTEL486 or CpuidFeature.X64 or CpuidFeature.CMOV or CpuidFeature.BMI1 or CpuidFeature.MULTIBYTENOP or CpuidFeature.CET_IBT
                or CpuidFeature.TSC or CpuidFeature.CMPXCHG16B or CpuidFeature.SYSCALL);
            if (!general)
            {
                yield return instruction.ToString();
            }
        }
    }

    /// <summary>Below the five instructions that follow it: the last of them reads the text.</summary>
    private static void MoveDown(byte[] code, Instruction mark)
    {
        byte[] own = code.AsSpan((int)mark.IP, mark.Length).ToArray();
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(code, (int)mark.NextIP, code.Length - (int)mark.NextIP));
        decoder.IP = mark.NextIP;
        while (decoder.Decode() is { FlowControl: FlowControl.Next })
        {
        }

        // Up to the branch.
        int end = (int)decoder.IP;
        end -= code[end - 6] == 0x0f ? 6 : 2;
        code.AsSpan((int)mark.NextIP, end - (int)mark.NextIP).CopyTo(code.AsSpan((int)mark.IP));
        own.CopyTo(code, end - own.Length);
    }
}
