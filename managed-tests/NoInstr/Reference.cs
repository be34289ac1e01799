namespace Ftrace.Tests.NoInstr;

/// <summary>What an instruction refers to: a symbol, and the function it is in, if it is one of this object.</summary>
/// <param name="Symbol">A name for people, too if there is no symbol.</param>
/// <param name="Offset">From the symbol's address.</param>
/// <param name="Function">Null for data, and for code of other objects.</param>
/// <param name="Address">In the function's section.</param>
/// <param name="IsThreadLocal">The linker makes it an offset in thread-local memory.</param>
internal sealed record Reference(string Symbol, long Offset, Function? Function, ulong Address, bool IsThreadLocal)
{
    /// <summary>What is read is not the symbol but its address, from a table that the linker makes.</summary>
    public bool IsAddress { get; init; }
}
