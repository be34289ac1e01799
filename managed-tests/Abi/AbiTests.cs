using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Exports;
using NUnit.Framework;

namespace Ftrace.Tests.Abi;

/// <summary>The public headers, read by a C compiler, against what the library exports and what the C# source says.</summary>
public sealed class AbiTests
{
    private const string WithoutInline = "-DFTRACE_NO_INLINE";

    private static LibClang Clang { get; } = LibClang.Load()!;

    private static string Text(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    /// <summary>As a program sees the headers that calls the gate, and as one that inlines it.</summary>
    private static (CHeaders Calling, CHeaders Inlining) Parse()
    {
        RequireClang();
        IEnumerable<string> callable = SourceTree.Headers.Where(h => !h.EndsWith("-inline.h", StringComparison.Ordinal));
        return (Clang.Parse(SourceTree.Include, callable, WithoutInline), Clang.Parse(SourceTree.Include, SourceTree.Headers));
    }

    private static CHeaders ParseAll()
    {
        (CHeaders calling, CHeaders inlining) = Parse();
        return calling.With(inlining);
    }

    private static void AssertNone(List<AbiMismatch> found) => Assert.That(found, Is.Empty, string.Join('\n', found));

    internal static void RequireClang()
    {
        if (Clang == null)
        {
            Assert.Ignore($"The headers are not compared with the library: no libclang was found; {LibClang.Remedies}.");
        }
    }

    internal static CHeaders Parse(string root, params string[] headers) => Clang.Parse(root, headers);

    [Test]
    public void HeadersAreReadCompletely()
    {
        CHeaders headers = ParseAll();
        TestContext.Out.WriteLine($"{Clang.Name}: {headers.Functions.Count} functions, {headers.Objects.Count} objects, {headers.Structs.Count} structures, {headers.Enums.Count} enumerations, {headers.Macros.Count} macros");

        // A second look that knows nothing of C: every name before a parenthesis, at the beginning of a line, is a function.
        IEnumerable<string> names = SourceTree.Headers.SelectMany(h =>
            Regex.Matches(Text("include/" + h), @"^[a-z][\w *]*?\b(ftrace_\w+)\(", RegexOptions.Multiline).Select(m => m.Groups[1].Value));
        Assert.That(headers.Functions.Select(f => f.Name), Is.EquivalentTo(names.Distinct()));
        Assert.That(headers.Objects.Select(o => o.Name), Is.EquivalentTo(new[] { "ftrace_modifying_code", "ftrace_nmi_thread" }));
        Assert.That(headers.Structs.Select(s => s.Name).Concat(headers.Enums.Select(e => e.Name)), Is.EquivalentTo(LibraryAbi.Map.Types.Keys));
    }

    [Test]
    public void LibraryExportsWhatIsDeclaredAndNothingElse()
    {
        CHeaders headers = ParseAll();
        string version = string.Join('.', ((string[])["MAJOR", "MINOR", "PATCH"]).Select(p => headers.Macros.Single(m => m.Name == "FTRACE_VERSION_" + p).Value));
        string? library = SourceTree.Library(version);
        if (library == null)
        {
            Assert.Ignore($"The exports are not compared with the headers: no build folder has libftrace.so.{version}; run ./build.sh test, or set FTRACE_LIBRARY.");
        }

        List<ElfSymbol> symbols = ElfSymbols.Exported(File.ReadAllBytes(library!));
        TestContext.Out.WriteLine($"{library}: {symbols.Count} symbols");
        AssertNone(ExportComparison.WithLibrary(headers, symbols, LibraryAbi.Map));
    }

    [Test]
    public void SymbolMapListsWhatIsDeclaredAndNothingElse() =>
        AssertNone(ExportComparison.WithMap(ParseAll(), SymbolMap.Read(Text("lib/Native/libftrace.map")), LibraryAbi.Map));

    [Test]
    public void SignaturesAreTheSame()
    {
        CHeaders headers = ParseAll();
        string[] gates = [.. Regex.Matches(Text("lib/Native/entry.c"), @"^THREAD_CONTEXT\((\w+)", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        List<EntryPoint> methods = EntryPoint.Of(typeof(FtraceStats).Assembly.GetTypes());
        AssertNone(SignatureComparison.Compare(headers, gates, methods, LibraryAbi.Map));
    }

    [Test]
    public void LayoutsAndConstantsAreTheSame() => AssertNone(LayoutComparison.Compare(ParseAll(), LibraryAbi.Map));

    [Test]
    public void InlineBodiesHaveTheSignaturesOfTheExports()
    {
        (CHeaders calling, CHeaders inlining) = Parse();
        CFunction[] bodies = [.. inlining.Functions.Where(f => f.IsStatic && calling.Exported.Any(e => e.Name == f.Name))];
        Assert.That(bodies, Is.Not.Empty);
        Assert.That(bodies.Select(f => f.Signature), Is.SubsetOf(calling.Exported.Select(f => f.Signature)));
    }

    [Test]
    public void ReadingHeadersLeavesTheRuntimeItsSignals()
    {
        RequireClang();
        ParseAll();
        string? nothing = Environment.GetEnvironmentVariable("FTRACE_ABI_TEST_IS_NEVER_SET");
        Assert.That(() => nothing!.Length, Throws.InstanceOf<NullReferenceException>());
    }
}
