namespace Ftrace.Names;

/// <summary>The kind of names that a pattern is for.</summary>
internal enum GlobSyntax
{
    /// <summary>Symbols, and names of files.</summary>
    Plain,

    /// <summary>C++ names: <c>[]</c>, as in <c>operator[]</c>, and <c>[abi:</c> stand for themselves and begin no set.</summary>
    Cxx,
}
