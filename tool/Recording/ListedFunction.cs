namespace Ftrace.Tool.Recording;

/// <summary>A function of an object.</summary>
/// <param name="Address">In the file.</param>
/// <param name="Size">In bytes; 0: not known.</param>
/// <param name="Symbol">Its name in the symbol table; empty: it has none.</param>
/// <param name="State">Whether it can be traced.</param>
internal sealed record ListedFunction(ulong Address, ulong Size, byte[] Symbol, Traceability State)
{
    public bool IsTraceable => State <= Traceability.Sled;
}
