namespace Ftrace.Tool.Commands;

/// <summary>What a shell can offer as a value.</summary>
internal enum ValueKind
{
    /// <summary>Nothing: a number, a pattern.</summary>
    Any,

    /// <summary>One of some words.</summary>
    Choice,

    File,
    Directory,

    /// <summary>The id of a process.</summary>
    Process,

    /// <summary>The id of a process, or a file.</summary>
    ProcessOrFile,

    /// <summary>A program to run; what follows are its arguments.</summary>
    Program,
}
