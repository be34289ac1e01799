using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>Durations for people: three digits after the point, in the unit that fits, all of the same width.</summary>
internal static class Durations
{
    public const int Width = 10;

    private const ulong Microsecond = 1_000;
    private const ulong Millisecond = 1_000_000;
    private const ulong Second = 1_000_000_000;

    public static void Write(Utf8Output output, ulong nanoseconds)
    {
        switch (nanoseconds)
        {
            case < Microsecond:
                output.Write(nanoseconds, 7).Write(" ns"u8);
                break;
            case < Millisecond:
                output.WriteFixed(nanoseconds, Microsecond, 3, 7).Write(" us"u8);
                break;
            case < Second:
                output.WriteFixed(nanoseconds, Millisecond, 3, 7).Write(" ms"u8);
                break;
            case < 1000 * Second:
                output.WriteFixed(nanoseconds, Second, 3, 7).Write("  s"u8);
                break;
            default:
                output.Write(nanoseconds / Second, 7).Write("  s"u8);
                break;
        }
    }
}
