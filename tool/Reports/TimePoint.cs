using System;
using System.Globalization;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>A time as people write it.</summary>
/// <param name="IsAbsolute">Nanoseconds since 1970; else since the start of the recording.</param>
/// <param name="Nanoseconds">The number.</param>
internal readonly record struct TimePoint(bool IsAbsolute, ulong Nanoseconds)
{
    private const decimal Second = 1_000_000_000;
    private const decimal MaxSeconds = 10_000_000_000;

    /// <summary>Seconds, or a date and time as in ISO 8601: UTC, unless it has an offset.</summary>
    public static bool TryParse(string text, out TimePoint point)
    {
        point = default;
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds))
        {
            point = new TimePoint(false, (ulong)(Math.Min(seconds, MaxSeconds) * Second));
            return true;
        }

        const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, Styles, out DateTimeOffset time) || time < DateTimeOffset.UnixEpoch)
        {
            return false;
        }

        point = new TimePoint(true, (ulong)(time - DateTimeOffset.UnixEpoch).Ticks * 100);
        return true;
    }

    /// <summary>The time as in events.</summary>
    public ulong TimeIn(TraceFile file)
    {
        ulong start = file.Clock.ToMonotonic(file.Header.Start.Time);
        if (!IsAbsolute)
        {
            return file.Clock.FromMonotonic(start + Nanoseconds);
        }

        ulong real = file.Clock.ToRealtime(file.Header.Start.Time);
        return Nanoseconds <= real ? 0 : file.Clock.FromMonotonic(start + (Nanoseconds - real));
    }
}
