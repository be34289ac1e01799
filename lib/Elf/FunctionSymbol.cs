using System;
using System.Runtime.CompilerServices;

namespace Ftrace.Elf;

/// <summary>A function of a symbol table.</summary>
internal struct FunctionSymbol
{
    /// <summary>The address in the file, without the object's base.</summary>
    public ulong Start;

    public ulong End;

    /// <summary>Offset of its name in the string table.</summary>
    public uint Name;

    public bool IsGlobal;

    /// <summary>The name is that of an indirect function, which is called through it. Another symbol has the function's own name.</summary>
    public bool IsOfIndirect;

    /// <summary>Others have the same start.</summary>
    public bool HasAliases;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FunctionSymbol(in ElfSymbol symbol)
    {
        Start = symbol.Value;
        End = symbol.Value + Math.Max(Math.Min(symbol.Size, ulong.MaxValue - symbol.Value), 1);
        Name = symbol.Name;
        IsGlobal = symbol.IsGlobal;
        IsOfIndirect = false;
        HasAliases = false;
    }

    /// <summary>The same function under the name of an indirect one.</summary>
    public readonly FunctionSymbol AsIndirect(uint name) =>
        new() { Start = Start, End = End, Name = name, IsOfIndirect = true };

    /// <summary>The order of functions with the same start. The first one's name is shown: a global one if there is one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)] // rare, and the sort that calls it is not to become slower
    public static int CompareNames(in FunctionSymbol a, in FunctionSymbol b)
    {
        if (a.IsOfIndirect != b.IsOfIndirect)
        {
            return a.IsOfIndirect.CompareTo(b.IsOfIndirect);
        }

        return a.IsGlobal != b.IsGlobal ? b.IsGlobal.CompareTo(a.IsGlobal) : a.Name.CompareTo(b.Name);
    }
}
