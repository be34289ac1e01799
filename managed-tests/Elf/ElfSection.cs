namespace Ftrace.Tests.Elf;

/// <summary>A section header, as far as it is of use here.</summary>
internal readonly record struct ElfSection(string Name, uint Type, ulong Flags, ulong Offset, ulong Size, uint Link, uint Info, ulong EntrySize)
{
    public const uint SymbolTable = 2;
    public const uint RelocationsWithAddend = 4;
    public const uint NoBits = 8;
    private const ulong Executable = 4;

    public bool IsCode => (Flags & Executable) != 0 && Type != NoBits;
}
