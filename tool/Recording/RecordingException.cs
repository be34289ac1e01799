using System;

namespace Ftrace.Tool.Recording;

/// <summary>Nothing can be recorded: <c>WHAT: reason; remedy</c>.</summary>
/// <param name="message">The message.</param>
/// <param name="exitCode">Of the command, as a shell has it: 127 if there is no such program, 126 if it cannot be executed.</param>
internal sealed class RecordingException(string message, int exitCode = RecordingException.Failure) : Exception(message)
{
    public const int Failure = 1;
    public const int NotExecutable = 126;
    public const int NotFound = 127;

    public int ExitCode { get; } = exitCode;
}
