using System;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary><c>ftrace stat</c> as CSV of RFC 4180, with lines that end as those of Unix. Without calls, but with samples, the columns are others.</summary>
internal static class StatCsv
{
    public static void Write(Utf8Output output, StatTable table, int limit)
    {
        bool isSamples = !table.HasCalls && table.Samples != 0;
        output.Write(table.HasThreads ? "tid,thread,"u8 : []);
        output.Write(isSamples
            ? "function,samples,samples_total,percent,percent_total\n"u8
            : "function,calls,total_ns,self_ns,avg_ns,min_ns,max_ns,p50_ns,p99_ns\n"u8);
        for (int i = 0; i < Math.Min(limit, table.Rows.Count); i++)
        {
            StatRow row = table.Rows[i];
            if (table.HasThreads)
            {
                output.Write((ulong)row.ThreadId).Write((byte)',');
                CsvField.Write(output, row.ThreadName);
                output.Write((byte)',');
            }

            CsvField.Write(output, row.Name);
            if (isSamples)
            {
                WriteSamples(output, row, table.Samples);
                continue;
            }

            output.Write((byte)',').Write(row.Calls);
            foreach (StatField field in (ReadOnlySpan<StatField>)[
                StatField.Total, StatField.Self, StatField.Avg, StatField.Min, StatField.Max, StatField.P50, StatField.P99])
            {
                output.Write((byte)',');
                if (row[field] is { } value)
                {
                    output.Write(value);
                }
            }

            output.Line();
        }
    }

    private static void WriteSamples(Utf8Output output, StatRow row, ulong all)
    {
        output.Write((byte)',').Write(row.Samples).Write((byte)',').Write(row.SamplesInside).Write((byte)',')
            .WriteFixed(Percents.Hundredths(row.Samples, all), 100, 2).Write((byte)',')
            .WriteFixed(Percents.Hundredths(row.SamplesInside, all), 100, 2).Line();
    }
}
