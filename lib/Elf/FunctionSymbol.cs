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

    /// <summary>Others have the same start.</summary>
    public bool HasAliases;
}
