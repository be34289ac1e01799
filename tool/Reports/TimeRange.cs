using System;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>A range of times as people write it: <c>FROM..TO</c>. Either can be left out.</summary>
internal readonly record struct TimeRange(TimePoint? From, TimePoint? To)
{
    /// <summary>False: it is not a range.</summary>
    public static bool TryParse(string text, out TimeRange range)
    {
        range = default;
        int dots = text.IndexOf("..", StringComparison.Ordinal);
        if (dots < 0 || !TryParsePoint(text[..dots], out TimePoint? from) || !TryParsePoint(text[(dots + 2)..], out TimePoint? to))
        {
            return false;
        }

        range = new TimeRange(from, to);
        return true;
    }

    /// <summary>The first time, as in events.</summary>
    public ulong FromIn(TraceFile file) => From?.TimeIn(file) ?? 0;

    /// <summary>The last time, as in events.</summary>
    public ulong ToIn(TraceFile file) => To?.TimeIn(file) ?? ulong.MaxValue;

    private static bool TryParsePoint(string text, out TimePoint? point)
    {
        point = null;
        if (text == "")
        {
            return true;
        }

        bool isParsed = TimePoint.TryParse(text, out TimePoint parsed);
        point = parsed;
        return isParsed;
    }
}
