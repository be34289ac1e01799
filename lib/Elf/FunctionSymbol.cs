namespace Ftrace.Elf;

/// <summary>A function of a symbol table.</summary>
internal struct FunctionSymbol
{
    public const byte GlobalName = 0;
    public const byte LocalName = 1;

    /// <summary>That of the indirect function whose clone it is.</summary>
    public const byte CloneName = 2;

    /// <summary>The address in the file, without the object's base.</summary>
    public ulong Start;

    public ulong End;

    /// <summary>Offset of its name in the string table.</summary>
    public uint Name;

    /// <summary>Of several names of one function, that with the lowest rank comes first.</summary>
    public byte Rank;

    /// <summary>Others have the same start.</summary>
    public bool HasAliases;
}
