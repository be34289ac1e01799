using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>
/// Whether a thread that sleeps in libc was sent there by an allocator, or by the loader: some sleep for a while when a lock is taken, and have
/// other ones then. glibc's own allocator does not sleep in such calls.
/// </summary>
internal sealed class AllocatorCalls
{
    // Frames of libc and of allocators are small. Farther words may have been left by calls that have ended.
    private const int Words = 512;

    private static readonly string[] s_names =
        ["malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign", "_Znwm", "_Znam", "_ZdlPv", "_ZdlPvm", "_ZdaPv"];

    private readonly ITargetMemory _memory;
    private readonly TargetMaps _maps;
    private readonly string _loader;
    private readonly string _program;
    private readonly Dictionary<string, HashSet<ulong>> _functions = [];
    private readonly HashSet<string> _sleepsElsewhere = [];

    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="loader">The name of its loader's file there.</param>
    public AllocatorCalls(TargetProcess process, TargetMaps maps, string loader)
    {
        _memory = process.Memory;
        _maps = maps;
        _loader = loader;
        _program = maps.At(new AuxiliaryVector(process.ReadAuxiliaryVector()).Find(AuxiliaryVector.Headers))?.Name ?? "";
    }

    /// <summary>True if one is on a stack.</summary>
    /// <param name="stack">Its words, from the top.</param>
    public bool AreOn(ReadOnlySpan<ulong> stack)
    {
        stack = stack[..Math.Min(stack.Length, Words)];
        foreach (ulong word in stack)
        {
            // The first one that calls libc is who sleeps. What its own functions have called is left there too.
            if (CodeAt(word) is Mapping code && !IsOfLibc(code) && CodeAt(CallInstruction.TargetOf(_memory, word)) is Mapping called && IsOfLibc(called))
            {
                HashSet<ulong> functions = FunctionsOf(code.Name);
                return code.Name == _loader || (functions.Count != 0 && (!_sleepsElsewhere.Contains(code.Name) || HasCallOf(stack, functions)));
            }
        }

        return false;
    }

    private Mapping? CodeAt(ulong address) => _maps.At(address) is { IsExecutable: true } code && !code.FileName.IsEmpty ? code : null;

    private static bool IsOfLibc(in Mapping code) => code.FileName.StartsWith("libc.so") || code.FileName.StartsWith("libc-2.") || code.FileName.StartsWith("libpthread");

    private bool HasCallOf(ReadOnlySpan<ulong> stack, HashSet<ulong> functions)
    {
        foreach (ulong word in stack)
        {
            if (CodeAt(word) != null && functions.Contains(CallInstruction.TargetOf(_memory, word)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The functions of an allocator; none: the object is none.</summary>
    private HashSet<ulong> FunctionsOf(string name)
    {
        if (_functions.TryGetValue(name, out HashSet<ulong>? functions))
        {
            return functions;
        }

        functions = [];
        var found = new TargetObject(_memory, _maps.OfObject(mapping => mapping.Name == name)[0].Start);
        if (found.Find(s_names[0]) != 0)
        {
            functions.UnionWith(Array.ConvertAll(s_names, found.Find));
            functions.Remove(0);
        }

        // A program that has its own allocator sleeps for other reasons too; runtimes of sanitizers are called in the place of libc.
        if (name == _program || found.Find("__sanitizer_print_stack_trace") != 0)
        {
            _sleepsElsewhere.Add(name);
        }

        _functions.Add(name, functions);
        return functions;
    }
}
