namespace Ftrace.Tool.Commands;

/// <summary>Exit statuses of the command. <c>record</c> has that of the program.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;

    /// <summary>Wrong usage: EX_USAGE of sysexits.h.</summary>
    public const int Usage = 64;
}
