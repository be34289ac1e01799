namespace Ftrace.Tests.Abi;

/// <summary>A C type.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Spelling">As it is written in the header.</param>
/// <param name="Size">In bytes; 0 if it has none.</param>
/// <param name="Tag">The name after <c>struct</c> or <c>enum</c>, else empty.</param>
/// <param name="Element">What a pointer points to, or an array consists of.</param>
/// <param name="Length">Number of elements of an array.</param>
internal sealed record CType(CTypeKind Kind, string Spelling, long Size, string Tag = "", CType? Element = null, long Length = 0)
{
    public override string ToString() => Spelling;
}
