using System;

namespace Ftrace.Tool.Output;

/// <summary>What standard output is.</summary>
internal static class Terminal
{
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Colours only on a terminal, and not if NO_COLOR is set (no-color.org).</summary>
    public static bool HasColours =>
        IsTerminal
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
}
