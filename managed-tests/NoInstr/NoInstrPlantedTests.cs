using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using Ftrace.Tests.Elf;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>The check finds what it is for: a library with one violation a method, compiled as the real one is.</summary>
[Category("noinstr")]
public sealed class NoInstrPlantedTests
{
    private const string Prefix = "planted_Ftrace_Planted_Violations__";

    private static readonly NativeTableLayout s_table =
        new("__NONGCSTATICSplanted_Ftrace_Planted_Violations_Native", new Dictionary<long, string> { [0] = "allowed" });

    private string _path = "";
    private CodeObject _code = null!;
    private MarkedMethods _marked = null!;
    private NoInstrCheck _check = null!;

    [OneTimeSetUp]
    public void RunCheck()
    {
        _path = BuildOutput.Find("FTRACE_PLANTED_OBJECT", BuildOutput.Planted);
        string assembly = Path.Combine(Path.GetDirectoryName(_path)!, "../planted.dll");
        _code = CodeObject.Read(_path);
        _marked = new MarkedMethods(Assembly.Load(File.ReadAllBytes(assembly)));
        _check = NoInstrCheck.Run(_code, _marked, new AllowList { NativeTable = s_table });
    }

    [TestCase("Allocates", ViolationKind.Allocation, "RhpNewArrayFast")]
    [TestCase("Boxes", ViolationKind.Allocation, "RhpNewFast")]
    [TestCase("PollsAfterPInvoke", ViolationKind.GcPoll, "RhpTrapThreads")]
    [TestCase("PollsAfterPInvoke", ViolationKind.GcPoll, "RhpGcPoll")]
    [TestCase("PollsAfterPInvoke", ViolationKind.UnmarkedCall, "calls getppid:")]
    [TestCase("PollsAfterLookup", ViolationKind.GcPoll, "RhpTrapThreads")]
    [TestCase("TransitsByPInvoke", ViolationKind.Transition, "RhpPInvoke:")]
    [TestCase("TransitsAfterLookup", ViolationKind.Transition, "ResolvePInvokeSlow")]
    [TestCase("TransitsByPointer", ViolationKind.Transition, "RhpPInvoke:")]
    [TestCase("Entered", ViolationKind.Transition, "RhpReversePInvoke:")]
    [TestCase("ReadsThreadStatic", ViolationKind.ThreadStatic, "tls_InlinedThreadStatics")]
    [TestCase("ReadsThreadStatic", ViolationKind.ThreadStatic, "__tls_get_addr")]
    [TestCase("ReadsReference", ViolationKind.GcStatic, "__GCSTATICS")]
    [TestCase("NeedsConstructor", ViolationKind.StaticConstructor, "Constructed")]
    [TestCase("CopiesLarge", ViolationKind.MemoryHelper, "Memmove")]
    [TestCase("ClearsLarge", ViolationKind.MemoryHelper, "ClearWithoutReferences")]
    [TestCase("CallsUnmarked", ViolationKind.UnmarkedCall, "calls " + Prefix + "Unmarked:")]
    [TestCase("CountsBits", ViolationKind.UnmarkedCall, "PopCount")]
    [TestCase("CountsBits", ViolationKind.UnknownData, "g_cpuFeatures")]
    [TestCase("CallsUnmarkedLast", ViolationKind.UnmarkedCall, "jumps to " + Prefix + "Unmarked:")]
    [TestCase("TakesUnmarkedAddress", ViolationKind.UnmarkedAddress, Prefix + "Unmarked:")]
    [TestCase("CallsDelegate", ViolationKind.IndirectCall, "native table")]
    [TestCase("CallsVirtual", ViolationKind.IndirectCall, "native table")]
    [TestCase("CallsInterface", ViolationKind.IndirectCall, "a call of an interface's method")]
    [TestCase("CallsPointer", ViolationKind.IndirectCall, "native table")]
    [TestCase("CallsOtherSlot", ViolationKind.IndirectCall, "native table")]
    [TestCase("CallsSlotOrPointer", ViolationKind.IndirectCall, "native table")]
    [TestCase("JumpsByTable", ViolationKind.IndirectCall, "native table")]
    [TestCase("Throws", ViolationKind.Throw, "RhpThrowEx")]
    [TestCase("ChecksRange", ViolationKind.Throw, "ThrowIndexOutOfRangeException")]
    [TestCase("StoresReference", ViolationKind.ManagedObject, "RhpAssignRef")]
    [TestCase("Casts", ViolationKind.ManagedObject, "_ZTV")]
    [TestCase("LoadsString", ViolationKind.ManagedObject, "__Str_text")]
    [TestCase("Locks", ViolationKind.Lock, "Monitor__Enter")]
    [TestCase("ReservesStack", ViolationKind.SecurityCookie, "__security_cookie")]
    public void ViolationIsFound(string method, object kind, string text) =>
        Assert.That(Of(method).Where(violation => violation.Kind == (ViolationKind)kind).Select(violation => violation.Text), Has.Some.Contains(text));

    /// <summary>Marked or not, they do nothing wrong themselves.</summary>
    [TestCase("Clean")]
    [TestCase("CleanCaller")]
    [TestCase("CleanTableCaller")]
    [TestCase("CleanCallee")]
    [TestCase("Unmarked")]
    public void CleanMethodIsNotReported(string method) => Assert.That(Of(method), Is.Empty);

    [TestCase("Clean")]
    [TestCase("CleanCaller")]
    [TestCase("CleanTableCaller")]
    [TestCase("CleanCallee")]
    public void CleanMethodWasLookedAt(string method) => Assert.That(_check.Checked.Select(function => function.Name), Has.Member(Prefix + method));

    /// <summary>A violation in a method nobody thought of would be one that the list above does not show.</summary>
    [Test]
    public void EveryMarkedMethodButTheCleanOnesIsReported()
    {
        IEnumerable<string> reported = _check.Violations.Select(violation => violation.Method).Distinct();
        IEnumerable<string> others = _check.Checked.Select(function => function.Name).Where(name => !name.StartsWith(Prefix + "Clean", StringComparison.Ordinal));
        Assert.That(reported, Is.EquivalentTo(others));
    }

    [Test]
    public void AllowedMethodIsCheckedInItsTurn()
    {
        var allowed = new AllowList
        {
            NativeTable = s_table,
            Calls = new Dictionary<string, string> { [Prefix + "Unmarked"] = "clean", [Prefix + "UnmarkedThrower"] = "not clean" },
            IndirectCalls = new Dictionary<string, string> { [Prefix + "JumpsByTable"] = "a switch" },
        };
        NoInstrCheck check = NoInstrCheck.Run(_code, _marked, allowed);
        string[] reported = [.. check.Violations.Select(violation => violation.Method).Distinct()];

        Assert.That(reported, Has.None.EqualTo(Prefix + "CallsUnmarked"));
        Assert.That(reported, Has.None.EqualTo(Prefix + "JumpsByTable"));
        Assert.That(reported, Has.None.EqualTo(Prefix + "CallsThrower"));
        Assert.That(reported, Has.Some.EqualTo(Prefix + "UnmarkedThrower"));
    }

    /// <summary>What no compiler makes: one byte further, the call would not go to the start of the method.</summary>
    [Test]
    public void CallOfTheMiddleOfAMethodIsFound()
    {
        NoInstrCheck check = RunChanged("CallsUnmarked", code => code.Instruction.IsCallNear, at: 1, [0x01], add: true);
        Assert.That(check.Violations.Select(violation => violation.Kind), Has.Some.EqualTo(ViolationKind.MiddleOfMethod));
    }

    /// <summary>A ud2 in place of the first instructions.</summary>
    [Test]
    public void InstructionOutOfPlaceIsFound()
    {
        NoInstrCheck check = RunChanged("Clean", _ => true, at: 0, [0x0f, 0x0b], add: false);
        Assert.That(check.Violations.Where(violation => violation.Method == Prefix + "Clean").Select(violation => violation.Kind), Is.EqualTo(new[] { ViolationKind.BadCode }));
    }

    /// <summary>Checks the object with some bytes of one instruction changed.</summary>
    private NoInstrCheck RunChanged(string method, Func<CodeInstruction, bool> which, int at, byte[] bytes, bool add)
    {
        byte[] file = File.ReadAllBytes(_path);
        Function function = _code.Find(Prefix + method)!;
        int start = (int)(new ElfObject(file).Sections[function.Section].Offset + _code.Instructions(function).First(which).Instruction.IP) + at;
        for (int i = 0; i < bytes.Length; i++)
        {
            file[start + i] = (byte)(bytes[i] + (add ? file[start + i] : 0));
        }

        return NoInstrCheck.Run(new CodeObject(new ElfObject(file)), _marked, new AllowList { NativeTable = s_table });
    }

    private IEnumerable<Violation> Of(string method) => _check.Violations.Where(violation => violation.Method == Prefix + method);
}
