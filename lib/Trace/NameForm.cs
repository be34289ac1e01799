namespace Ftrace.Trace;

/// <summary>Which of a function's names a pattern is compared with.</summary>
internal enum NameForm : byte
{
    /// <summary>The name in the symbol table.</summary>
    Symbol,

    /// <summary>The C++ name without its parameters.</summary>
    WithoutParameters,

    /// <summary>The C++ name, with its parameters or without them.</summary>
    Any,
}
