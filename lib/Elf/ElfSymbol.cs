using System.Runtime.InteropServices;

namespace Ftrace.Elf;

/// <summary><c>Elf64_Sym</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ElfSymbol
{
    private const int Function = 2;
    private const int IndirectFunction = 10;
    private const int Weak = 2;

    public uint Name;
    public byte Info;
    public byte Other;
    public ushort Section;
    public ulong Value;
    public ulong Size;

    /// <summary>STT_FUNC, defined in this file.</summary>
    public readonly bool IsFunction => (Info & 15) == Function && Section != 0;

    /// <summary>STT_GNU_IFUNC, defined in this file: the address is that of the function that chooses one.</summary>
    public readonly bool IsIndirectFunction => (Info & 15) == IndirectFunction && Section != 0;

    /// <summary>Undefined and STB_WEAK: no object has to define it.</summary>
    public readonly bool IsOptional => Info >> 4 == Weak && Section == 0;

    /// <summary>STB_GLOBAL or STB_WEAK: the name that is preferred if several symbols have the same address.</summary>
    public readonly bool IsGlobal => Info >> 4 != 0;
}
