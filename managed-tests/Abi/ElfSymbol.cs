namespace Ftrace.Tests.Abi;

/// <summary>A symbol that a shared library exports; the version is empty if it has none.</summary>
internal sealed record ElfSymbol(string Name, string Version, SymbolKind Kind, ulong Size)
{
    public override string ToString() => $"{Name}{(Version.Length == 0 ? "" : "@" + Version)} ({Kind}, {Size} bytes)";
}
