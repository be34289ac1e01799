using System;
using System.Linq;
using SharpFuzz;

namespace Ftrace.Fuzz;

/// <summary>Rewrites the library so that it counts its branches.</summary>
internal static class Instrumentation
{
    private static readonly string[] s_types =
    [
        "Ftrace.Elf.", "Ftrace.Names.", "Ftrace.Objects.", "Ftrace.Linux.Block", "Ftrace.X86.X86Instruction", "Ftrace.Tool.Reading.", "Ftrace.Tool.Reports.",
    ];

    public static void Add(string library)
    {
        int count = Fuzzer.Instrument(library, static type => s_types.Any(type.StartsWith), Options.Value).Count();
        Console.WriteLine($"{library}: {count} types");
    }
}
