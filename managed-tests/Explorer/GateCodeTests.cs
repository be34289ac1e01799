using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Ftrace.Tests.Abi;
using Ftrace.Tests.NoInstr;
using NUnit.Framework;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// What compilers make of the gate in include/ftrace/nmi-inline.h is what the explorer takes it for: the same accesses in the same order,
/// with the work of the handler in between, and nothing of it outside.
/// </summary>
public sealed class GateCodeTests
{
    /// <summary>
    /// A handler, and what it interrupts. The same word is read before, inside and after: a compiler that may move work across the gate
    /// reads it once.
    /// </summary>
    private const string Handler = """
        #include <ftrace/nmi.h>
        extern unsigned long host, sink[3];
        void handler(void)
        {
            sink[0] = host;
            ftrace_nmi_enter();
            sink[1] = host;
            ftrace_nmi_exit();
            sink[2] = host;
        }
        """;

    private const string Barrier = "__asm__ __volatile__(\"\" ::: \"memory\");";
    private const string Gate = "ftrace_modifying_code";
    private const string Saved = "ftrace_nmi_thread";

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("ftrace-gate-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("gcc", "gcc", "-O2 -fno-pie")]
    [TestCase("gcc", "gcc", "-O3 -fPIC")]
    [TestCase("gcc", "gcc", "-Os -fPIE")]
    [TestCase("clang-19", "clang-19", "-O2 -fno-pie")]
    [TestCase("clang-19", "clang-19", "-O3 -fPIC")]
    public void InlineGateIsTheModel(string compiler, string package, string options)
    {
        CodeObject code = Compile(compiler, package, options, header => header);
        Assert.That(Check(code), Is.Null);
    }

    /// <summary>The exported functions, for hosts that do not include the header.</summary>
    [Test]
    public void ExportedGateIsTheModel()
    {
        CodeObject code = CodeObject.Read(BuildOutput.Find("FTRACE_GATE_OBJECT", BuildOutput.Gate));
        Assert.That(CodePaths.Of(code, "ftrace_nmi_enter"), Is.EquivalentTo(Model(GateModel.Enter, "enter")));
        Assert.That(CodePaths.Of(code, "ftrace_nmi_exit"), Is.EquivalentTo(Model(GateModel.Exit, "exit")));
    }

    [TestCase("gcc", 0, "host", TestName = "MissingBarrierOfEnterIsFound(gcc)")]
    [TestCase("gcc", 1, "host", TestName = "MissingBarrierOfExitIsFound(gcc)")]
    [TestCase("clang-19", 0, "host", TestName = "MissingBarrierOfEnterIsFound(clang)")]
    [TestCase("clang-19", 1, "host", TestName = "MissingBarrierOfExitIsFound(clang)")]
    public void MissingBarrierIsFound(string compiler, int which, string found)
    {
        CodeObject code = Compile(compiler, compiler, "-O2 -fno-pie", header =>
        {
            string[] parts = header.Split(Barrier);
            Assert.That(parts, Has.Length.EqualTo(3), "the header has two barriers");
            return which == 0 ? parts[0] + parts[1] + Barrier + parts[2] : parts[0] + Barrier + parts[1] + parts[2];
        });
        Assert.That(Check(code), Does.Contain(found));
    }

    [TestCase("ftrace_nmi_thread.saved = ftrace_nmi_thread.saved << 1 | modifying;", "ftrace_nmi_thread.saved = 2 | modifying;", TestName = "OneFlagIsFound")]
    [TestCase("ftrace_nmi_thread.saved & 1, 0", "ftrace_modifying_code[0], 0", TestName = "ExitByGateIsFound")]
    public void OtherGateIsFound(string line, string other)
    {
        CodeObject code = Compile("gcc", "gcc", "-O2 -fno-pie", header =>
        {
            Assert.That(header, Does.Contain(line));
            return header.Replace(line, other, StringComparison.Ordinal);
        });
        Assert.That(Check(code), Is.Not.Null);
    }

    /// <summary>What is wrong with the handler, or null.</summary>
    private static string? Check(CodeObject code)
    {
        IReadOnlyList<IReadOnlyList<string>> enters = Model(GateModel.Enter, "enter");
        IReadOnlyList<IReadOnlyList<string>> exits = Model(GateModel.Exit, "exit");
        IReadOnlyList<IReadOnlyList<string>> paths = CodePaths.Of(code, "handler");
        string[] expected = [.. enters.SelectMany(enter => exits, (enter, exit) => string.Join(", ", enter.Concat(exit))).Order(StringComparer.Ordinal)];
        string[] gates = [.. paths.Select(path => string.Join(", ", path.Where(IsOfGate))).Order(StringComparer.Ordinal)];
        if (!gates.SequenceEqual(expected))
        {
            return $"the gate is:\n{string.Join('\n', gates)}\nand should be:\n{string.Join('\n', expected)}";
        }

        return paths.Select(path => CheckHost(path, enters)).FirstOrDefault(wrong => wrong != null);
    }

    /// <summary>The work of the host, on one way through the handler: where it belongs, with regard to the gate.</summary>
    private static string? CheckHost(IReadOnlyList<string> path, IReadOnlyList<IReadOnlyList<string>> enters)
    {
        string[] expected = ["read host", "write sink", "read host", "write sink+8", "read host", "write sink+16"];
        int[] gate = [.. Enumerable.Range(0, path.Count).Where(i => IsOfGate(path[i]))];
        int[] host = [.. Enumerable.Range(0, path.Count).Where(i => !IsOfGate(path[i]))];
        string way = string.Join(", ", path);
        if (!host.Select(i => path[i]).SequenceEqual(expected))
        {
            return $"work of the host was moved across the gate: {way}";
        }

        int enterSize = enters.First(enter => enter.SequenceEqual(gate.Take(enter.Count).Select(i => path[i]))
            && gate.Length > enter.Count && path[gate[enter.Count]] != "call ftrace_nmi_enter_slow").Count;
        return host[2] < gate[enterSize - 1] || host[3] > gate[enterSize]
            ? $"work of the host is outside of the bracket: {way}"
            : null;
    }

    private static bool IsOfGate(string what) => what.Contains("ftrace_", StringComparison.Ordinal);

    /// <summary>The ways through a part of the explorer's model, as <see cref="CodePaths"/> has them.</summary>
    private static List<IReadOnlyList<string>> Model(Func<Mutant, bool> part, string name)
    {
        var ways = new List<IReadOnlyList<string>>();
        var replay = new Replay(Configurations.Nested, Mutant.None);
        foreach (byte gate in new byte[] { 0, 1 })
        {
            var results = new List<byte>();
            var way = new List<string>();
            bool slow = false;
            for (Op op = Next(); op.Kind != OpKind.Done; op = Next())
            {
                string word = op.Kind == OpKind.Read ? Gate : Saved;
                way.Add((op.Kind == OpKind.WriteOwn ? "write " : "read ") + word);

                // The saved word: one level that has found the gate as it is.
                results.Add(op.Kind == OpKind.Read ? gate : (byte)(2 | gate));
            }

            if (slow)
            {
                way.Add($"call ftrace_nmi_{name}_slow");
            }

            ways.Add(way);

            Op Next() => replay.Run(() => slow = part(Mutant.None), results);
        }

        return ways;
    }

    private CodeObject Compile(string compiler, string package, string options, Func<string, string> edit)
    {
        string headers = Directory.CreateDirectory(Path.Combine(_folder, "ftrace")).FullName;
        foreach (string header in Directory.GetFiles(Path.Combine(SourceTree.Include, "ftrace")))
        {
            string text = File.ReadAllText(header);
            string name = Path.GetFileName(header);
            File.WriteAllText(Path.Combine(headers, name), name == "nmi-inline.h" ? edit(text) : text);
        }

        File.WriteAllText(Path.Combine(_folder, "handler.c"), Handler);
        var start = new ProcessStartInfo(compiler, $"{options} -fno-reorder-blocks-and-partition -fcf-protection=none -I. -c handler.c -o handler.o")
        {
            WorkingDirectory = _folder,
            RedirectStandardError = true,
        };
        if (compiler != "gcc")
        {
            start.Arguments = start.Arguments.Replace("-fno-reorder-blocks-and-partition ", "", StringComparison.Ordinal);
        }

        try
        {
            using Process process = Process.Start(start)!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, errors);
        }
        catch (Win32Exception)
        {
            Assert.Ignore($"The gate is not compared as {compiler} compiles it: it was not found; install the package {package}.");
        }

        return CodeObject.Read(Path.Combine(_folder, "handler.o"));
    }
}
