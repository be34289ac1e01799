namespace Ftrace.Tests.Elf;

/// <summary>An entry of a .rela section; the types are those of the x86-64 psABI, table 4.9.</summary>
internal readonly record struct ElfRelocation(ulong Offset, uint Type, ElfSymbol Symbol, long Addend)
{
    public const uint Pc32 = 2;
    public const uint Plt32 = 4;
    public const uint GotPcRel = 9;
    public const uint GotPcRelX = 41;
    public const uint RexGotPcRelX = 42;

    /// <summary>DTPMOD64 to TPOFF32, and the TLS descriptors: the address of a thread-local object.</summary>
    public bool IsThreadLocal => Type is >= 16 and <= 23 or >= 34 and <= 36 or 44;

    /// <summary>The address of a symbol, or of a thread-local object, is read from the global offset table.</summary>
    public bool IsAddress => Type is GotPcRel or GotPcRelX or RexGotPcRelX || IsThreadLocal;

    /// <summary>The linker stores the distance from the relocated place.</summary>
    public bool IsPcRelative => Type is Pc32 or Plt32 or GotPcRel or GotPcRelX or RexGotPcRelX || IsThreadLocal;
}
