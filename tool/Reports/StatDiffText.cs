using System;
using System.Collections.Generic;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>Two traces as text: of each column the value, the difference, and the percentage.</summary>
internal static class StatDiffText
{
    private const int SignedWidth = Durations.Width + 1;
    private const int PercentWidth = 9;

    public static void Write(Utf8Output output, StatDiff diff, int limit)
    {
        if (diff.Rows.Count == 0)
        {
            output.Write("No calls are in either trace. See: ftrace list PROGRAM\n"u8);
            return;
        }

        var fields = new List<StatField>();
        if (diff.After.HasTimes || diff.Before.HasTimes)
        {
            fields.AddRange([StatField.Total, StatField.Self, StatField.Avg]);
        }

        fields.Add(StatField.Calls);
        foreach (StatField field in fields)
        {
            WriteRight(output, field.ToString().ToUpperInvariant(), Durations.Width);
            WriteRight(output, "DIFF", SignedWidth + 2);
            WriteRight(output, "%", PercentWidth + 1);
            output.Write("  "u8);
        }

        output.Write("FUNCTION\n"u8);
        for (int i = 0; i < Math.Min(limit, diff.Rows.Count); i++)
        {
            StatDiffRow row = diff.Rows[i];
            foreach (StatField field in fields)
            {
                WriteField(output, row, field);
                output.Write("  "u8);
            }

            output.Write(row.Name).Line();
        }

        if (limit < diff.Rows.Count)
        {
            output.Write("... and "u8).Write((ulong)(diff.Rows.Count - limit)).Write(" more\n"u8);
        }

        WriteNotes(output, diff.Before, "# before: "u8);
        WriteNotes(output, diff.After, "# now: "u8);
    }

    private static void WriteField(Utf8Output output, StatDiffRow row, StatField field)
    {
        if (row.ValueAfter(field) is not { } value)
        {
            WriteRight(output, "-", Durations.Width);
        }
        else if (field == StatField.Calls)
        {
            output.Write(value, Durations.Width);
        }
        else
        {
            Durations.Write(output, value);
        }

        output.Write("  "u8);
        WriteDifference(output, row.Difference(field), field);
        output.Write((byte)' ');
        WritePercent(output, row, field);
    }

    private static void WriteDifference(Utf8Output output, long? difference, StatField field)
    {
        if (difference is not { } signed)
        {
            WriteRight(output, "-", SignedWidth);
            return;
        }

        ulong size = (ulong)Math.Abs(signed);
        if (field == StatField.Calls)
        {
            WriteRight(output, Sign(signed) + size.ToString(System.Globalization.CultureInfo.InvariantCulture), SignedWidth);
            return;
        }

        output.Write(Sign(signed));
        Durations.Write(output, size);
    }

    private static void WritePercent(Utf8Output output, StatDiffRow row, StatField field)
    {
        if (row.State != "both")
        {
            WriteRight(output, row.State, PercentWidth);
            return;
        }

        if (row.Hundredths(field) is not { } percent)
        {
            WriteRight(output, "-", PercentWidth);
            return;
        }

        ulong size = (ulong)Math.Abs(percent);
        WriteRight(output, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Sign(percent)}{size / 100}.{size % 100:00}"), PercentWidth);
    }

    private static string Sign(long number) => number switch
    {
        > 0 => "+",
        < 0 => "-",
        _ => " ",
    };

    private static void WriteNotes(Utf8Output output, StatTable table, ReadOnlySpan<byte> begin)
    {
        foreach (string note in StatNotes.Of(table))
        {
            output.Write(begin).Write(note).Line();
        }
    }

    private static void WriteRight(Utf8Output output, string text, int width) => output.Fill((byte)' ', width - text.Length).Write(text);
}
