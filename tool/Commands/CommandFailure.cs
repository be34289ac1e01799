using System;

namespace Ftrace.Tool.Commands;

/// <summary>Ends a command with a message for the user: <c>WHAT: reason; remedy</c>, without the name of the command.</summary>
internal sealed class CommandFailure(string message, int exitCode = ExitCode.Failure) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
