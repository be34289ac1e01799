namespace Ftrace.Tool.Attach;

/// <summary>Instructions that store rax, skip words on the stack, and return.</summary>
/// <param name="Address">Of the first one. One byte later the same instructions store eax, four bytes.</param>
/// <param name="UsesRbp">They store where rbp points, not rbx.</param>
/// <param name="Displacement">They add this to the register.</param>
/// <param name="Words">How many words they skip.</param>
/// <param name="Return">The address of <c>ret</c>.</param>
internal readonly record struct StoreSequence(ulong Address, bool UsesRbp, sbyte Displacement, int Words, ulong Return)
{
    /// <summary>The form that stores four bytes.</summary>
    public ulong ShortAddress => Address + 1;

    /// <summary>What the register is to hold.</summary>
    public ulong RegisterFor(ulong target) => target - (ulong)(long)Displacement;
}
