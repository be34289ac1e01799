using System;
using System.Globalization;

namespace Ftrace.Bench;

/// <summary>Numbers as the page shows them: three digits, in the unit that suits them.</summary>
internal static class Number
{
    private static readonly string[] s_times = ["ns", "µs", "ms", "s"];

    /// <summary>Nanoseconds; null if the unit is none of time.</summary>
    public static double? Nanoseconds(double value, string unit) => unit.Split('/')[0] switch
    {
        "ns" => value,
        "us" => value * 1e3,
        "ms" => value * 1e6,
        "s" => value * 1e9,
        _ => null,
    };

    public static string Of(double value) => Math.Abs(value) switch
    {
        0 => "0",
        < 0.095 => value.ToString("0.###", CultureInfo.InvariantCulture),
        < 9.95 => value.ToString("0.00", CultureInfo.InvariantCulture),
        < 99.5 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("#,0", CultureInfo.InvariantCulture),
    };

    /// <summary>A number that is given, not measured.</summary>
    public static string Round(double value) => value.ToString("#,0.##", CultureInfo.InvariantCulture);

    public static string Round(double value, string unit)
    {
        (double scale, string shown) = Scale(value, unit);
        return $"{Round(value * scale)} {shown}";
    }

    /// <summary>15.1 ns (15.0 to 15.2).</summary>
    public static string Of(Spread spread, string unit)
    {
        (double scale, string shown) = Scale(spread.Median, unit);
        return $"{Of(spread.Median * scale)} {shown} ({Of(spread.Q1 * scale)} to {Of(spread.Q3 * scale)})";
    }

    public static string Of(double value, string unit)
    {
        (double scale, string shown) = Scale(value, unit);
        return $"{Of(value * scale)} {shown}";
    }

    /// <summary>What to multiply a value with, to show it in the unit that is returned.</summary>
    private static (double Scale, string Unit) Scale(double value, string unit)
    {
        if (Nanoseconds(value, unit) is not double ns)
        {
            return (1, unit);
        }

        int step = 0;
        for (double shown = ns; shown >= 999.5 && step < s_times.Length - 1; shown /= 1000)
        {
            step++;
        }

        return (Nanoseconds(1, unit)!.Value / Math.Pow(1000, step), s_times[step]);
    }
}
