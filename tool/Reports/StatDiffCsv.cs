using System;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>Two traces as CSV: of each column the value, the difference, and the percentage.</summary>
internal static class StatDiffCsv
{
    private static readonly (StatField Field, string Name)[] s_columns =
    [
        (StatField.Calls, "calls"), (StatField.Total, "total_ns"), (StatField.Self, "self_ns"), (StatField.Avg, "avg_ns"),
        (StatField.Min, "min_ns"), (StatField.Max, "max_ns"), (StatField.P50, "p50_ns"), (StatField.P99, "p99_ns"),
    ];

    public static void Write(Utf8Output output, StatDiff diff, int limit)
    {
        output.Write("function,state"u8);
        foreach ((_, string name) in s_columns)
        {
            output.Write((byte)',').Write(name).Write((byte)',').Write(name).Write("_diff,"u8).Write(name).Write("_percent"u8);
        }

        output.Line();
        for (int i = 0; i < Math.Min(limit, diff.Rows.Count); i++)
        {
            StatDiffRow row = diff.Rows[i];
            CsvField.Write(output, row.Name);
            output.Write((byte)',').Write(row.State);
            foreach ((StatField field, _) in s_columns)
            {
                WriteField(output, row, field);
            }

            output.Line();
        }
    }

    private static void WriteField(Utf8Output output, StatDiffRow row, StatField field)
    {
        output.Write((byte)',');
        if (row.ValueAfter(field) is { } value)
        {
            output.Write(value);
        }

        output.Write((byte)',');
        if (row.Difference(field) is { } difference)
        {
            output.Write(difference);
        }

        output.Write((byte)',');
        if (row.Hundredths(field) is { } percent)
        {
            output.Write(percent < 0 ? "-"u8 : []).WriteFixed((ulong)Math.Abs(percent), 100, 2);
        }
    }
}
