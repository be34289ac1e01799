using System;
using System.Collections.Generic;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary><c>ftrace stat</c> as text, for people.</summary>
internal static class StatText
{
    private const int CountWidth = 10;

    public static void Write(Utf8Output output, TraceFile file, StatTable table, int limit)
    {
        if (table.Rows.Count == 0)
        {
            EmptyHint.Write(output, file, table.IsAll);
            WriteNotes(output, table);
            return;
        }

        List<StatColumn> columns = ColumnsOf(table);
        foreach (StatColumn column in columns)
        {
            output.Fill((byte)' ', column.Width - column.Title.Length).Write(column.Title).Write("  "u8);
        }

        output.Write(table.HasThreads ? "    TID  THREAD           FUNCTION\n"u8 : "FUNCTION\n"u8);
        for (int i = 0; i < Math.Min(limit, table.Rows.Count); i++)
        {
            StatRow row = table.Rows[i];
            foreach (StatColumn column in columns)
            {
                column.Write(output, row);
                output.Write("  "u8);
            }

            if (table.HasThreads)
            {
                output.Write((ulong)row.ThreadId, 7).Write("  "u8);
                WriteLeft(output, row.ThreadName, 15);
                output.Write("  "u8);
            }

            output.Write(row.Name).Line();
        }

        if (limit < table.Rows.Count)
        {
            output.Write("... and "u8).Write((ulong)(table.Rows.Count - limit)).Write(" more\n"u8);
        }

        WriteNotes(output, table);
    }

    /// <summary>What the numbers do not contain.</summary>
    private static void WriteNotes(Utf8Output output, StatTable table)
    {
        foreach (string note in StatNotes.Of(table))
        {
            output.Write("# "u8).Write(note).Line();
        }
    }

    private static List<StatColumn> ColumnsOf(StatTable table)
    {
        var columns = new List<StatColumn>();
        if (table.HasTimes)
        {
            columns.Add(Time("TOTAL", row => row.Total));
            columns.Add(Time("SELF", row => row.Self));
        }

        if (table.HasCalls)
        {
            columns.Add(Number("CALLS", row => row.Calls));
        }

        if (table.WithoutEntry != 0)
        {
            columns.Add(Number("NO ENTRY", row => row.WithoutEntry));
        }

        if (table.WithoutExit != 0)
        {
            columns.Add(Number("NO EXIT", row => row.WithoutExit));
        }

        if (table.HasTimes)
        {
            columns.Add(Time("AVG", row => row.Average));
            columns.Add(Time("MIN", row => row.Min));
            columns.Add(Time("MAX", row => row.Max));
            columns.Add(Time("P50", row => row.P50));
            columns.Add(Time("P99", row => row.P99));
        }

        if (table.Samples != 0)
        {
            columns.Add(Number("SAMPLES", row => row.Samples));
            columns.Add(Percent("SELF%", row => row.Samples, table.Samples));
            columns.Add(Percent("TOTAL%", row => row.SamplesInside, table.Samples));
        }

        return columns;
    }

    private static StatColumn Time(string title, Func<StatRow, ulong?> value) => new(title, Durations.Width, (output, row) =>
    {
        if (value(row) is { } time)
        {
            Durations.Write(output, time);
        }
        else
        {
            output.Fill((byte)' ', Durations.Width - 1).Write((byte)'-');
        }
    });

    private static StatColumn Number(string title, Func<StatRow, ulong> value) =>
        new(title, CountWidth, (output, row) => output.Write(value(row), CountWidth));

    private static StatColumn Percent(string title, Func<StatRow, ulong> value, ulong all) =>
        new(title, 6, (output, row) => output.WriteFixed(Percents.Hundredths(value(row), all), 100, 2, 6));

    private static void WriteLeft(Utf8Output output, string text, int width)
    {
        output.Write(text);
        foreach (Rune _ in text.EnumerateRunes())
        {
            width--;
        }

        output.Fill((byte)' ', width);
    }
}
