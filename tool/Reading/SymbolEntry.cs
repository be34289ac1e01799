using System;

namespace Ftrace.Tool.Reading;

/// <summary>A symbol: where its name is in the file.</summary>
/// <param name="Address">Its first address.</param>
/// <param name="NameOffset">Of the name in the file.</param>
/// <param name="NameLength">In bytes.</param>
/// <param name="Size">Of the function; 0: not known.</param>
internal readonly record struct SymbolEntry(ulong Address, long NameOffset, int NameLength, uint Size) : IComparable<SymbolEntry>
{
    public int CompareTo(SymbolEntry other) => Address.CompareTo(other.Address);
}
