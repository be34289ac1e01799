using System;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>Writes the time of an event: seconds since the recording began, or UTC.</summary>
internal sealed class TimeColumn(TraceFile file, bool utc)
{
    private const ulong Second = 1_000_000_000;
    private const int FractionDigits = 9;
    private const int SecondsWidth = 5;
    private const string DateFormat = "yyyy-MM-ddTHH:mm:ss";
    private const ulong LastSecond = 253402300799; // of the year 9999

    private readonly ulong _start = file.Clock.ToMonotonic(file.Header.Start.Time);
    private readonly byte[] _date = new byte[DateFormat.Length];
    private ulong _dateSecond = ulong.MaxValue;

    /// <summary>In characters; a time can be longer.</summary>
    public int Width => utc ? DateFormat.Length + 1 + FractionDigits + 1 : SecondsWidth + 1 + FractionDigits;

    public void Write(Utf8Output output, ulong time)
    {
        if (!utc)
        {
            ulong now = file.Clock.ToMonotonic(time);
            output.WriteFixed(now > _start ? now - _start : 0, Second, FractionDigits, Width);
            return;
        }

        ulong real = file.Clock.ToRealtime(time);
        ulong second = Math.Min(real / Second, LastSecond);
        if (second != _dateSecond)
        {
            DateTime.UnixEpoch.AddSeconds(second).TryFormat(_date, out _, DateFormat, System.Globalization.CultureInfo.InvariantCulture);
            _dateSecond = second;
        }

        output.Write(_date).Write((byte)'.').Write(real % Second, FractionDigits, (byte)'0').Write((byte)'Z');
    }
}
