using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>Writes durations as the kernel does, <c>trace_print_graph_duration()</c> in kernel/trace/trace_functions_graph.c.</summary>
internal static class DurationColumn
{
    /// <summary>Of the mark, the number and the unit.</summary>
    public const int Width = 2 + NumberWidth + 4;
    private const int NumberWidth = 8;
    private const ulong MaxWithFraction = 1_000_000;

    /// <summary>The mark of a duration in nanoseconds, <c>trace_find_mark()</c> in kernel/trace/trace_output.c.</summary>
    public static byte MarkOf(ulong duration) => duration switch
    {
        > 1_000_000_000 => (byte)'$',
        > 100_000_000 => (byte)'@',
        > 10_000_000 => (byte)'*',
        > 1_000_000 => (byte)'#',
        > 100_000 => (byte)'!',
        > 10_000 => (byte)'+',
        _ => (byte)' ',
    };

    public static void Write(Utf8Output output, ulong duration)
    {
        output.Write(MarkOf(duration)).Write((byte)' ');
        long begin = output.Written;
        ulong microseconds = duration / 1000;
        if (microseconds < MaxWithFraction)
        {
            // No more than seven digits.
            int digits = microseconds switch
            {
                < 10_000 => 3,
                < 100_000 => 2,
                _ => 1,
            };
            output.WriteFixed(duration, 1000, digits);
        }
        else
        {
            output.Write(microseconds);
        }

        int length = (int)(output.Written - begin);
        output.Write(" us "u8).Fill((byte)' ', NumberWidth - length);
    }

    public static void WriteEmpty(Utf8Output output) => output.Fill((byte)' ', Width);
}
