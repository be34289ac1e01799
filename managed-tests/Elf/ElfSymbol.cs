namespace Ftrace.Tests.Elf;

/// <summary>An entry of the symbol table. In an object file the value is an offset into the section.</summary>
internal readonly record struct ElfSymbol(string Name, byte Type, int Section, ulong Value, ulong Size)
{
    public const byte Function = 2;
    public const int Undefined = 0;
}
