namespace Ftrace.Tests.Abi;

/// <summary>What a symbol stands for; the numbers are those of ELF (STT_*).</summary>
internal enum SymbolKind
{
    None = 0,
    Object = 1,
    Function = 2,
    ThreadLocal = 6,
}
