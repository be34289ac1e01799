using System;
using System.IO;

namespace Ftrace.Tool.Output;

/// <summary>What standard output and standard error are.</summary>
internal static class Terminal
{
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Colours only on a terminal, and not if NO_COLOR is set (no-color.org).</summary>
    public static bool HasColours =>
        IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && IsCapable;

    /// <summary>
    /// Standard error is a terminal that goes back to the beginning of a line, and it is not that of a pager which reads standard output.
    /// </summary>
    public static bool IsErrorRewritable => !Console.IsErrorRedirected && IsCapable && !IsPiped;

    private static bool IsPiped
    {
        get
        {
            try
            {
                return new FileInfo("/proc/self/fd/1").LinkTarget?.StartsWith("pipe:", StringComparison.Ordinal) == true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return true; // it is closed, or not known
            }
        }
    }

    private static bool IsCapable => Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    /// <summary>The characters of the locale, as nl_langinfo(3) finds it: the first of these variables that is set counts.</summary>
    public static bool IsUtf8
    {
        get
        {
            foreach (string name in (string[])["LC_ALL", "LC_CTYPE", "LANG"])
            {
                string? locale = Environment.GetEnvironmentVariable(name);
                if (!string.IsNullOrEmpty(locale))
                {
                    return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase);
                }
            }

            return false;
        }
    }
}
