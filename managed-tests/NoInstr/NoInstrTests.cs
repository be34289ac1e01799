using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using Ftrace.Breakpoint;
using Ftrace.Exports;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Tests.Elf;
using Ftrace.Trace;
using Iced.Intel;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>The machine code of the data plane, in the object file that the shipped library is linked from.</summary>
[Category("noinstr")]
public sealed class NoInstrTests
{
    private static readonly MarkedMethods s_marked = new(typeof(NoInstrAttribute).Assembly);

    private string _path = "";
    private CodeObject _code = null!;

    /// <summary>Where the data plane begins: what the native file and the kernel call, and the patch loop.</summary>
    private static IEnumerable<TestCaseData> Roots =>
        EntryPoints.Append(Method(typeof(NmiProtocol<>), "ModifyCode")).Select(root => new TestCaseData(root).SetArgDisplayNames($"{root.DeclaringType!.Name}.{root.Name}"));

    /// <summary>The methods whose addresses are given away.</summary>
    private static IEnumerable<MethodBase> EntryPoints =>
    [
        Method(typeof(X86Nmi), "EnterSlow"),
        Method(typeof(X86Nmi), "ExitSlow"),
        Method(typeof(StopHandler), "OnSignal"),
        Method(typeof(TrapHandler), "OnSignal"),
        Method(typeof(TraceThreads), "Claim"),
        Method(typeof(TraceMarks), "Look"),
        Method(typeof(TraceMarks), "Leave"),
        Method(typeof(LibraryCall), "MayBegin"),
        Method(typeof(LibraryCall), "BlockSignals"),
        Method(typeof(TraceSlots), "CallLate"),
        Method(typeof(SiteData), "Of"),
        Method(typeof(ForkChild), "Run"),
    ];

    [OneTimeSetUp]
    public void ReadObject()
    {
        _path = BuildOutput.Find("FTRACE_OBJECT", BuildOutput.Library);
        _code = CodeObject.Read(_path);
    }

    [Test]
    public void DataPlaneReachesOnlyMarkedCode()
    {
        NoInstrCheck check = NoInstrCheck.Run(_code, s_marked, new AllowList { NativeFunctions = NativeFunctions() });
        TestContext.Out.WriteLine(
            $"{check.Checked.Count} methods, {check.Instructions} instructions, {check.DirectCalls} calls of methods, {check.NativeCalls} of the native file");

        Assert.That(check.NativeCalls, Is.Positive);
        Assert.That(check.Violations, Is.Empty, () => string.Join(Environment.NewLine, check.Violations));
    }

    [TestCaseSource(nameof(Roots))]
    public void RootIsMarkedAndHasCode(MethodBase root)
    {
        Assert.That(s_marked.Contains(root), $"{root.Name} is not marked [NoInstr]");
        string name = SymbolNames.Of(root);
        Assert.That(_code.Functions.Any(function => function.Definitions.Contains(name)), $"no code for {name}");
    }

    /// <summary>
    /// Who takes a method's address gives it to the native file or to the kernel. Calls of exports come in
    /// through symbols, and are no concern here.
    /// </summary>
    [Test]
    public void MethodWhoseAddressIsTakenIsMarked()
    {
        var taken = new HashSet<Function>();
        foreach (Function holder in _code.Functions.Where(IsOurs))
        {
            foreach (CodeInstruction instruction in _code.Instructions(holder).Where(code => code.Instruction.FlowControl == FlowControl.Next))
            {
                taken.UnionWith(instruction.References.Select(reference => reference.Function).OfType<Function>().Where(IsOurs).Where(function => function != holder));
            }
        }

        HashSet<string> entries =
        [
            .. typeof(NoInstrAttribute).Assembly.GetTypes().SelectMany(SymbolNames.DeclaredMethods)
                .Where(method => method.IsDefined(typeof(UnmanagedCallersOnlyAttribute))).Select(SymbolNames.Of),
        ];
        Assert.That(taken.Where(function => !s_marked.Contains(function) && !function.Definitions.Any(entries.Contains)).Select(function => function.Name), Is.Empty);
        Assert.That(taken.SelectMany(function => function.Definitions), Is.SupersetOf(EntryPoints.Select(SymbolNames.Of)));
    }

    /// <summary>
    /// What the data plane calls through the native table. A call through a managed function pointer takes bit 1 of
    /// the target for a flag, so they have to be aligned.
    /// </summary>
    [TestCase("raw_syscall")]
    [TestCase("current_thread")]
    [TestCase("sync_core_serialize")]
    [TestCase("sync_core_iret")]
    public void NativeFunctionIsAlignedAndCallsNobody(string name)
    {
        CodeObject[] holders = [.. NativeObjects.Where(elf => Functions(elf).Contains(name)).Select(elf => new CodeObject(elf))];
        Assert.That(holders, Is.Not.Empty);
        foreach (CodeObject holder in holders)
        {
            Function function = holder.Find(name)!;
            Assert.That(function.Start % 4, Is.Zero);
            foreach (CodeInstruction code in holder.Instructions(function))
            {
                Instruction instruction = code.Instruction;
                Assert.That(instruction.IsCallNear || instruction.IsCallNearIndirect || instruction.IsJmpNearIndirect, Is.False, instruction.ToString());
                Assert.That(instruction.Op0Kind != OpKind.NearBranch64 || code.References[0].Function == function, instruction.ToString());
            }
        }
    }

    /// <summary>It is called in handlers with FTRACE_OPS_FL_NO_VECTORS, for which the vector registers are not saved.</summary>
    [Test]
    public void WordOfASiteIsFoundWithoutVectorRegisters()
    {
        var reached = new HashSet<Function>();
        var open = new Stack<Function>(Named(typeof(SiteData), "Of"));
        while (open.TryPop(out Function? function))
        {
            if (reached.Add(function))
            {
                Assert.That(UsesVectors(function), Is.False, function.Name);
                Array.ForEach([.. Callees(function)], open.Push);
            }
        }

        Assert.That(reached, Is.SupersetOf(Named(typeof(SiteWords), "Add")));
        Assert.That(_code.Functions.Any(UsesVectors), "no function seems to use any");
    }

    private IEnumerable<Function> Named(Type type, string method)
    {
        string name = SymbolNames.Of(Method(type, method));
        return _code.Functions.Where(function => function.Definitions.Contains(name));
    }

    private IEnumerable<Function> Callees(Function function) =>
        _code.Instructions(function).Where(code => code.Instruction.FlowControl != FlowControl.Next)
            .SelectMany(code => code.References).Select(reference => reference.Function).OfType<Function>();

    private bool UsesVectors(Function function) => _code.Instructions(function).Any(code =>
        Enumerable.Range(0, code.Instruction.OpCount).Any(i =>
            code.Instruction.GetOpKind(i) == OpKind.Register && code.Instruction.GetOpRegister(i).IsVectorRegister()));

    private static bool IsOurs(Function function) => function.Name.StartsWith("libftrace_", StringComparison.Ordinal);

    private HashSet<string> NativeFunctions() => [.. NativeObjects.SelectMany(Functions)];

    private static IEnumerable<string> Functions(ElfObject elf) =>
        elf.Symbols.Where(symbol => symbol.Type == ElfSymbol.Function && symbol.Section != ElfSymbol.Undefined).Select(symbol => symbol.Name);

    /// <summary>Those of lib/Native/, which the build puts beside the library's.</summary>
    private IEnumerable<ElfObject> NativeObjects =>
        Directory.GetFiles(Path.GetDirectoryName(_path)!, "*.o").Where(path => path != _path).Select(path => new ElfObject(File.ReadAllBytes(path)));

    private static MethodBase Method(Type type, string name) => SymbolNames.DeclaredMethods(type).Single(method => method.Name == name);
}
