using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Ftrace.Tests.Abi;

/// <summary>A small ABI whose two sides agree, for mismatches to be planted in.</summary>
internal sealed unsafe class DemoAbi
{
    public const int InsnSize = 5;

    public string Header { get; set; } = """
        #include <stddef.h>
        #include <stdint.h>
        #ifndef DEMO_H
        #define DEMO_H
        #define DEMO_INSN_SIZE 5
        enum demo_color {
            DEMO_COLOR_RED,
            DEMO_COLOR_DARK_BLUE = 7
        };
        struct demo_point {
            size_t size;
            unsigned char tag[8];
            uint64_t last_stop_ns;
            int color;
            unsigned long words[2];
            unsigned int x;
            unsigned char flag;
            unsigned char end[2];
        };
        extern unsigned long demo_word[4];
        extern __thread struct demo_point demo_own;
        int demo_move(struct demo_point *point, size_t count, const unsigned char *tag);
        int demo_run(int (*fn)(void *data), void *data, unsigned long ip);
        int demo_none(void);
        const char *demo_name(void);
        static inline int demo_inline(int a) { return a; }
        #endif
        """;

    public List<ElfSymbol> Symbols { get; } =
    [
        new("demo_word", "DEMO_1", SymbolKind.Object, 32),
        new("demo_own", "DEMO_1", SymbolKind.ThreadLocal, 56),
        new("demo_move", "DEMO_1", SymbolKind.Function, 10),
        new("demo_run", "DEMO_1", SymbolKind.Function, 20),
        new("demo_none", "DEMO_1", SymbolKind.Function, 30),
        new("demo_name", "DEMO_1", SymbolKind.Function, 40),
    ];

    public List<(string Name, string Node)> SymbolMap { get; } = Abi.SymbolMap.Read("""
        DEMO_1 {
            global:
                /* demo.h */
                demo_word; demo_own;
                demo_move;
                demo_run; demo_none; demo_name;
            local:
                *;
        };
        """);

    public List<string> Gates { get; } = ["demo_move", "demo_run", "demo_none"];

    public List<EntryPoint> Methods { get; } = EntryPoint.Of([typeof(Exports)]);

    public AbiMap Map { get; } = new()
    {
        Node = "DEMO_1",
        Types = new Dictionary<string, Type> { ["demo_point"] = typeof(DemoPoint), ["demo_color"] = typeof(DemoColor) },
        Macros = new Dictionary<string, (string, long)> { ["DEMO_INSN_SIZE"] = ("DemoAbi.InsnSize", InsnSize) },
        NativeFunctions = new Dictionary<string, string> { ["demo_name"] = "only returns a string" },
        OtherEntryPoints = new Dictionary<string, string> { ["thread_start"] = "called once" },
        Fields = new Dictionary<string, FieldRule>
        {
            ["demo_point.color"] = new(["Color"], typeof(DemoColor), "an enumeration in an int"),
            ["demo_point.words"] = new(["Pending", "Busy"], null, "each has its use"),
        },
    };

    public List<AbiMismatch> Compare(CHeaders headers) =>
    [
        .. ExportComparison.WithLibrary(headers, Symbols, Map),
        .. ExportComparison.WithMap(headers, SymbolMap, Map),
        .. SignatureComparison.Compare(headers, Gates, Methods, Map),
        .. LayoutComparison.Compare(headers, Map),
    ];

    public enum DemoColor
    {
        Red,
        DarkBlue = 7,
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct DemoPoint
    {
        public nuint Size;
        public fixed byte Tag[8];
        public ulong LastStopNs;
        public DemoColor Color;
        public ulong Pending;
        public ulong Busy;
        public uint X;
        public byte Flag;
        public fixed byte End[2];
    }

    public static class Exports
    {
        [UnmanagedCallersOnly(EntryPoint = "thread_demo_move")]
        public static int Move(DemoPoint* point, nuint count, byte* tag) => 0;

        [UnmanagedCallersOnly(EntryPoint = "thread_demo_run")]
        public static int Run(void* fn, void* data, ulong ip) => 0;

        [UnmanagedCallersOnly(EntryPoint = "thread_demo_none")]
        public static int None() => 0;

        [UnmanagedCallersOnly(EntryPoint = "thread_start")]
        public static void Start(void* table)
        {
        }

        [UnmanagedCallersOnly]
        public static void WithoutName()
        {
        }
    }

    /// <summary>Methods that belong to nothing.</summary>
    public static class Strays
    {
        [UnmanagedCallersOnly(EntryPoint = "thread_demo_stray")]
        public static int Stray() => 0;

        [UnmanagedCallersOnly(EntryPoint = "demo_stray")]
        public static int Bare() => 0;

        [UnmanagedCallersOnly(EntryPoint = "thread_demo_name")]
        public static byte* Name() => null;
    }
}
