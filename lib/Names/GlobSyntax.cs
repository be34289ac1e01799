namespace Ftrace.Names;

/// <summary>The kind of names that a pattern is for.</summary>
internal enum GlobSyntax
{
    /// <summary>Symbols, and names of files.</summary>
    Plain,

    /// <summary>C++ names: <c>[]</c> stands for itself, as in <c>operator[]</c>, and begins no set.</summary>
    Cxx,
}
