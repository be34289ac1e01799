using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace Ftrace.Tests.Abi;

/// <summary>One mismatch of each kind, planted in an ABI that agrees: exactly it is found, with both sides' names.</summary>
public sealed class PlantedMismatchTests
{
    private static CHeaders Parse(string header)
    {
        AbiTests.RequireClang();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ftrace-demo-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "demo.h"), header);
            return AbiTests.Parse(folder.FullName, "demo.h");
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static Action<DemoAbi> Header(string from, string to) => demo =>
    {
        Assert.That(demo.Header.Split(from), Has.Length.EqualTo(2), $"'{from}' stands once in the header");
        demo.Header = demo.Header.Replace(from, to, StringComparison.Ordinal);
    };

    private static Action<DemoAbi> Symbol(string name, Func<ElfSymbol, ElfSymbol> change) => demo =>
    {
        int at = demo.Symbols.FindIndex(s => s.Name == name);
        demo.Symbols[at] = change(demo.Symbols[at]);
    };

    private static Action<DemoAbi> Method(Type type, string name) => demo =>
        demo.Methods.Add(EntryPoint.Of([type]).Single(m => m.Method.Name == name));

    private static Planted Plant(AbiMismatchKind kind, Action<DemoAbi> plant, string header, string other) => new(kind, plant, header, other);

    private static IEnumerable<object> Plants() => All();

    private static Planted[] All() =>
    [
        // What the library exports.
        Plant(AbiMismatchKind.MissingExport, d => d.Symbols.RemoveAll(s => s.Name == "demo_move"), "int demo_move(struct demo_point * point, size_t count, const unsigned char * tag) at demo.h:22", "exports no demo_move"),
        Plant(AbiMismatchKind.MissingExport, d => d.Symbols.RemoveAll(s => s.Name == "demo_word"), "unsigned long[4] demo_word at demo.h:20", "exports no demo_word"),
        Plant(AbiMismatchKind.ExtraExport, d => d.Symbols.Add(new("demo_secret", "DEMO_1", SymbolKind.Function, 1)), "no header declares demo_secret", "demo_secret@DEMO_1"),
        Plant(AbiMismatchKind.ExtraExport, d => d.Symbols.Add(new("demo_inline", "", SymbolKind.Function, 1)), "no header declares demo_inline", "symbol demo_inline"),
        Plant(AbiMismatchKind.ExportVersion, Symbol("demo_run", s => s with { Version = "DEMO_2" }), "demo_run", "demo_run@DEMO_2"),
        Plant(AbiMismatchKind.ExportVersion, Symbol("demo_run", s => s with { Version = "" }), "demo_run", "symbol demo_run ("),
        Plant(AbiMismatchKind.ExportKind, Symbol("demo_none", s => s with { Kind = SymbolKind.Object }), "demo_none", "Object"),
        Plant(AbiMismatchKind.ExportKind, Symbol("demo_own", s => s with { Kind = SymbolKind.Object }), "__thread struct demo_point demo_own", "demo_own@DEMO_1 (Object"),
        Plant(AbiMismatchKind.ExportSize, Symbol("demo_word", s => s with { Size = 64 }), "demo_word at demo.h:20, 32 bytes", "64 bytes"),

        // The symbol map.
        Plant(AbiMismatchKind.MissingInMap, d => d.SymbolMap.RemoveAll(l => l.Name == "demo_none"), "int demo_none(void) at demo.h:24", "does not list demo_none"),
        Plant(AbiMismatchKind.ExtraInMap, d => d.SymbolMap.Add(("demo_more", "DEMO_1")), "no header declares demo_more", "lists demo_more in DEMO_1"),
        Plant(AbiMismatchKind.MapNode, d => d.SymbolMap[0] = (d.SymbolMap[0].Name, "DEMO_2"), "demo_word at demo.h:20, version DEMO_1", "lists demo_word in DEMO_2"),

        // The native file and the C# methods.
        Plant(AbiMismatchKind.MissingGate, d => d.Gates.Remove("demo_run"), "int demo_run(", "no THREAD_CONTEXT(demo_run"),
        Plant(AbiMismatchKind.ExtraGate, d => d.Gates.Add("demo_more"), "no header declares demo_more", "THREAD_CONTEXT(demo_more"),
        Plant(AbiMismatchKind.ExtraGate, d => d.Gates.Add("demo_name"), "demo_name(void) at demo.h:25, native: only returns a string", "hands demo_name on"),
        Plant(AbiMismatchKind.MissingMethod, d => d.Methods.RemoveAll(m => m.Method.Name == "None"), "int demo_none(void) at demo.h:24", "thread_demo_none"),
        Plant(AbiMismatchKind.ExtraEntryPoint, Method(typeof(DemoAbi.Strays), "Stray"), "thread_demo_stray", "int Strays.Stray()"),
        Plant(AbiMismatchKind.ExtraEntryPoint, Method(typeof(DemoAbi.Strays), "Bare"), "demo_stray", "int Strays.Bare()"),
        Plant(AbiMismatchKind.ExtraEntryPoint, Method(typeof(DemoAbi.Strays), "Name"), "demo_name(void) at demo.h:25, native", "byte* Strays.Name()"),
        Plant(AbiMismatchKind.MissingDeclaration, d => d.Map.NativeFunctions.Add("demo_gone", "was here"), "no header declares demo_gone", "was here"),

        // Signatures.
        Plant(AbiMismatchKind.ParameterCount, Header("demo_none(void)", "demo_none(int how)"), "1 of int demo_none(int how) at demo.h:24", "0 of int Exports.None()"),
        Plant(AbiMismatchKind.ParameterCount, Header(", unsigned long ip", ""), "2 of int demo_run(", "3 of int Exports.Run(void* fn, void* data, ulong ip)"),
        Plant(AbiMismatchKind.ParameterType, Header("size_t count", "unsigned int count"), "count, unsigned int (uint in C#)", "count, nuint, of int Exports.Move("),
        Plant(AbiMismatchKind.ParameterType, Header("size_t count", "unsigned long count"), "count, unsigned long (ulong in C#)", "count, nuint, of int Exports.Move("),
        Plant(AbiMismatchKind.ParameterType, Header("unsigned long ip", "size_t ip"), "ip, size_t (nuint in C#)", "ip, ulong, of int Exports.Run("),
        Plant(AbiMismatchKind.ParameterType, Header("unsigned long ip", "long ip"), "ip, long (long in C#)", "ip, ulong"),
        Plant(AbiMismatchKind.ParameterType, Header("unsigned long ip", "double ip"), "ip, double, which no C# type matches", "ip, ulong"),
        Plant(AbiMismatchKind.ParameterType, Header("unsigned long ip", "..."), "..., which no C# type matches", "ip, ulong"),
        Plant(AbiMismatchKind.ParameterType, Header("const unsigned char *tag", "const uint64_t *tag"), "tag, const uint64_t * (ulong* in C#)", "tag, byte*"),
        Plant(AbiMismatchKind.ParameterType, Header("struct demo_point *point", "struct demo_other *point"), "point, struct demo_other *, which no C# type matches", "point, DemoPoint*"),
        Plant(AbiMismatchKind.ParameterType, Header("struct demo_point *point", "struct demo_point point"), "(DemoPoint in C#)", "point, DemoPoint*"),
        Plant(AbiMismatchKind.ParameterType, Header("int (*fn)(void *data)", "char *fn"), "fn, char * (byte* in C#)", "fn, void*, of int Exports.Run("),
        Plant(AbiMismatchKind.ReturnType, Header("int demo_none", "long demo_none"), "long (long in C#), of long demo_none(void) at demo.h:24", "int, of int Exports.None()"),
        Plant(AbiMismatchKind.ReturnType, Header("int demo_none", "void demo_none"), "void (void in C#)", "int, of int Exports.None()"),

        // Structures.
        Plant(AbiMismatchKind.MissingType, Header("extern unsigned", "struct demo_new { int a; }; extern unsigned"), "struct demo_new at demo.h:20", "demo_new"),
        Plant(AbiMismatchKind.MissingType, Header("extern unsigned", "enum demo_kind { DEMO_KIND_A }; extern unsigned"), "enum demo_kind at demo.h:20", "demo_kind"),
        Plant(AbiMismatchKind.MissingDeclaration, d => d.Map.Types.Add("demo_gone", typeof(DemoAbi.DemoPoint)), "demo_gone", "DemoPoint"),
        Plant(AbiMismatchKind.MissingDeclaration, d => d.Map.Fields.Add("demo_point.gone", new(["Gone"], null, "was here")), "demo_point.gone", "Gone"),
        Plant(AbiMismatchKind.StructSize, d => { Header("};\nextern", "} __attribute__((aligned(64)));\nextern")(d); Symbol("demo_own", s => s with { Size = 64 })(d); }, "64 bytes, struct demo_point at demo.h:10", "56 bytes, DemoPoint"),
        Plant(AbiMismatchKind.MissingField, Header("end[2];", "end[2]; unsigned char later;"), "unsigned char later of struct demo_point at demo.h:18", "DemoPoint has no Later"),
        Plant(AbiMismatchKind.ExtraField, Header("unsigned char end[2];", ""), "no field of struct demo_point at demo.h:10", "DemoPoint.End"),
        Plant(AbiMismatchKind.FieldOffset, Header("unsigned char end[2]", "__attribute__((aligned(2))) unsigned char end[2]"), "offset 54, unsigned char[2] end of struct demo_point at demo.h:18", "offset 53, DemoPoint.End"),
        Plant(AbiMismatchKind.FieldType, Header("unsigned int x", "int x"), "int x of struct demo_point at demo.h:16", "uint DemoPoint.X"),
        Plant(AbiMismatchKind.FieldType, Header("size_t size", "uint64_t size"), "uint64_t size", "nuint DemoPoint.Size"),
        Plant(AbiMismatchKind.FieldType, Header("end[2]", "end[3]"), "unsigned char[3] end", "byte[2] DemoPoint.End"),
        Plant(AbiMismatchKind.FieldType, Header("unsigned char flag", "unsigned char flag[1]"), "unsigned char[1] flag", "byte DemoPoint.Flag"),
        Plant(AbiMismatchKind.FieldType, Header("int color", "short color"), "short color", "DemoColor DemoPoint.Color"),

        // Constants.
        Plant(AbiMismatchKind.EnumSize, Header("enum demo_color {", "enum __attribute__((packed)) demo_color {"), "1 bytes, enum demo_color at demo.h:6", "4 bytes, DemoColor"),
        Plant(AbiMismatchKind.EnumValue, Header("= 7", "= 8"), "DEMO_COLOR_DARK_BLUE = 8 at demo.h:8 of enum demo_color at demo.h:6", "DemoColor.DarkBlue = 7"),
        Plant(AbiMismatchKind.MissingEnumConstant, Header("= 7", "= 7, DEMO_COLOR_GREEN"), "DEMO_COLOR_GREEN = 8 at demo.h:8", "DemoColor has no Green"),
        Plant(AbiMismatchKind.ExtraEnumConstant, Header("DEMO_COLOR_DARK_BLUE = 7", ""), "no constant of enum demo_color at demo.h:6", "DemoColor.DarkBlue"),
        Plant(AbiMismatchKind.MacroValue, Header("DEMO_INSN_SIZE 5", "DEMO_INSN_SIZE 0x6UL"), "DEMO_INSN_SIZE = 6 at demo.h:5", "DemoAbi.InsnSize = 5"),
        Plant(AbiMismatchKind.MacroValue, Header("DEMO_INSN_SIZE 5", "DEMO_INSN_SIZE sizeof(int)"), "DEMO_INSN_SIZE = (no integer)", "DemoAbi.InsnSize = 5"),
        Plant(AbiMismatchKind.MissingMacro, Header("#define DEMO_H", "#define DEMO_H\n#define DEMO_MORE (-1)"), "DEMO_MORE = -1 at demo.h:5", "DEMO_MORE"),
        Plant(AbiMismatchKind.MissingDeclaration, Header("#define DEMO_INSN_SIZE 5", ""), "DEMO_INSN_SIZE", "DemoAbi.InsnSize"),
    ];

    [Test]
    public void NothingIsFoundWhereNothingIsPlanted()
    {
        var demo = new DemoAbi();
        Assert.That(demo.Compare(Parse(demo.Header)), Is.Empty);
    }

    [TestCaseSource(nameof(Plants))]
    public void ExactlyThePlantedMismatchIsFound(object planted)
    {
        (AbiMismatchKind kind, Action<DemoAbi> plant, string header, string other) = (Planted)planted;
        var demo = new DemoAbi();
        plant(demo);
        List<AbiMismatch> found = demo.Compare(Parse(demo.Header));
        Assert.That(found, Has.Count.EqualTo(1), string.Join('\n', found));
        TestContext.Out.WriteLine(found[0]);
        Assert.That(found[0].Kind, Is.EqualTo(kind));
        Assert.That(found[0].Header, Does.Contain(header));
        Assert.That(found[0].Other, Does.Contain(other));
    }

    [Test]
    public void EveryKindIsPlanted() =>
        Assert.That(All().Select(p => p.Kind).Distinct(), Is.EquivalentTo(Enum.GetValues<AbiMismatchKind>()));

    [TestCase("int demo_broken(", "error:")]
    [TestCase("#include <stdio.h>", "stdio.h")]
    [TestCase("union demo_union { int a; };", "union demo_union at demo.h:1")]
    [TestCase("struct demo_bits { int a : 3; };", "a at demo.h:1")]
    [TestCase("struct demo_outer { struct { int a; }; };", "demo.h:1")]
    [TestCase("enum { DEMO_NAMELESS };", "without a tag at demo.h:1")]
    public void WhatCannotBeDescribedIsRefused(string header, string message) =>
        Assert.That(() => Parse(header), Throws.InstanceOf<InvalidDataException>().With.Message.Contain(message));

    private sealed record Planted(AbiMismatchKind Kind, Action<DemoAbi> Plant, string Header, string Other)
    {
        public override string ToString() => $"{Kind}: {Header}";
    }
}
