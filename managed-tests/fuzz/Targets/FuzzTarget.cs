using System;

namespace Ftrace.Fuzz;

/// <summary>What is fuzzed, by the name of its folder in the corpus.</summary>
public static class FuzzTarget
{
    /// <summary>Returns what runs one input. It throws <see cref="Finding"/>, or faults.</summary>
    public static Action<byte[]> Named(string name) => name switch
    {
        "elf" => new ElfTarget().Run,
        "glob" => GlobTarget.Run,
        "cxx" => CxxTarget.Run,
        "rust" => RustTarget.Run,
        "trace" => TraceTarget.Run,
        _ => throw new ArgumentException($"no target '{name}': elf, glob, cxx, rust, trace"),
    };
}
