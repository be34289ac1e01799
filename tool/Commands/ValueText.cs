using System;
using System.Globalization;

namespace Ftrace.Tool.Commands;

/// <summary>Values of options. Null: it is none.</summary>
internal static class ValueText
{
    private const int MostSignals = 64;
    private const int FirstRealTime = 34; // SIGRTMIN of the C library

    private static readonly string[] s_signals =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>512, 64K, 4M, 1G.</summary>
    public static long? ToBytes(string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            _ => 0,
        };
        long? number = ToCount(shift == 0 ? text : text[..^1]);
        return number <= long.MaxValue >> shift ? number << shift : null;
    }

    /// <summary>A number above 0.</summary>
    public static long? ToCount(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : null;

    /// <summary>100 and 100ns, 1.5us, 10ms, 2s.</summary>
    public static long? ToNanoseconds(string text)
    {
        foreach ((string unit, long factor) in (ReadOnlySpan<(string, long)>)[("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("", 1)])
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                return decimal.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
                    && number * factor is >= 1 and <= long.MaxValue / 2 ? (long)(number * factor) : null;
            }
        }

        return null;
    }

    /// <summary>10, USR1, SIGUSR1, RTMIN+3.</summary>
    public static long? ToSignal(string text)
    {
        string name = text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        if (name.StartsWith("RTMIN", StringComparison.Ordinal))
        {
            long? offset = name.Length == 5 ? 0 : ToCount(name[6..]);
            return offset <= MostSignals - FirstRealTime && (name.Length == 5 || name[5] == '+') ? FirstRealTime + offset : null;
        }

        long? number = ToCount(name) ?? Array.IndexOf(s_signals, name) + 1;
        return number is > 0 and <= MostSignals ? number : null;
    }
}
