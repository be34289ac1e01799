using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.Elf;
using Iced.Intel;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>The machine code of Native/trace_entry.S, which the explorer cannot run: it does what the explorer's traced thread does.</summary>
[Category("noinstr")]
public sealed class TrampolineTests
{
    private static readonly string[] s_entries = ["ftrace_caller", "ftrace_vectors_caller", "ftrace_regs_caller", "ftrace_regs_vectors_caller"];

    private ElfObject _object = null!;

    [OneTimeSetUp]
    public void ReadObject()
    {
        string folder = Path.GetDirectoryName(BuildOutput.Find("FTRACE_OBJECT", BuildOutput.Library))!;
        _object = new ElfObject(File.ReadAllBytes(Path.Combine(folder, "trace_entry.o")));
    }

    [Test]
    public void MarkComesFirstAndGoesLast()
    {
        var check = new TrampolineCheck(_object, s_entries);
        Assert.That(check.Violations, Is.Empty);

        // Those that make a struct ftrace_regs serve NMIs too; the others have a clear more, for calls that come late.
        Assert.That(check.HandlerCalls.Count(), Is.EqualTo(s_entries.Length));
        Assert.That(check.Marks.Count(), Is.EqualTo(s_entries.Length));
        Assert.That(check.Clears.Count(), Is.EqualTo(s_entries.Length + 2));
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
        foreach (Instruction mark in new TrampolineCheck(_object, s_entries).Marks)
        {
            IEnumerable<string> violations = new TrampolineCheck(_object, s_entries, code => MoveDown(code, mark)).Violations;
            Assert.That(violations, Has.Some.Contains("reads what may change before the mark"), mark.ToString());
        }
    }

    private void EachIsMissed(Func<TrampolineCheck, IEnumerable<Instruction>> which, string violation)
    {
        foreach (Instruction instruction in which(new TrampolineCheck(_object, s_entries)))
        {
            IEnumerable<string> violations = new TrampolineCheck(
                _object, s_entries, code => code.AsSpan((int)instruction.IP, instruction.Length).Fill(0x90)).Violations;
            Assert.That(violations, Has.Some.Contains(violation), instruction.ToString());
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
