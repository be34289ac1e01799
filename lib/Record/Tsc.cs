using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The rate of the TSC, as far as this process knows it.</summary>
internal static class Tsc
{
    private const long MeasureNs = 200_000;

    private static ulong s_perSecond;

    /// <summary>Measured at the first use, over a fifth of a millisecond: to about a thousandth.</summary>
    public static ulong PerSecond
    {
        get
        {
            if (s_perSecond == 0)
            {
                ClockTimes before = ClockTimes.Read();
                Clock.Sleep(MeasureNs);
                ClockTimes after = ClockTimes.Read();
                s_perSecond = (after.Tsc - before.Tsc) * Clock.NsPerSecond / (after.MonotonicNs - before.MonotonicNs);
            }

            return s_perSecond;
        }
    }

    /// <summary>A time in units of the TSC, at least 1 unless it is 0.</summary>
    public static ulong FromNs(ulong ns) => ns == 0 ? 0 : ulong.Max(1, ns / Clock.NsPerSecond * PerSecond + ns % Clock.NsPerSecond * PerSecond / Clock.NsPerSecond);
}
