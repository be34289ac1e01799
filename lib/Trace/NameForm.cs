namespace Ftrace.Trace;

/// <summary>Which of a function's names a pattern is about.</summary>
internal enum NameForm : byte
{
    /// <summary>The one of the symbol table.</summary>
    Symbol,

    /// <summary>The C++ one, without its parameters.</summary>
    WithoutParameters,

    /// <summary>The C++ one, without its parameters or with them.</summary>
    Any,
}
