using System;
using System.IO;
using System.Text.Json;

namespace Ftrace.Tool.Reports;

/// <summary>Two traces as JSON: each function before and now, as <see cref="StatJson"/> has it.</summary>
internal static class StatDiffJson
{
    public static void Write(Stream stream, StatDiff diff, string before, string now, int limit)
    {
        using (Utf8JsonWriter writer = StatJson.NewWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("file"u8, now);
            writer.WriteString("other"u8, before);
            writer.WriteNumber("lost"u8, diff.After.Lost);
            writer.WriteNumber("lost_other"u8, diff.Before.Lost);
            writer.WriteStartArray("functions"u8);
            for (int i = 0; i < Math.Min(limit, diff.Rows.Count); i++)
            {
                StatDiffRow row = diff.Rows[i];
                writer.WriteStartObject();
                writer.WriteString("function"u8, row.Name);
                writer.WriteString("state"u8, row.State);
                WriteRow(writer, diff.After, row.After, "now"u8);
                WriteRow(writer, diff.Before, row.Before, "other"u8);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    private static void WriteRow(Utf8JsonWriter writer, StatTable table, StatRow? row, ReadOnlySpan<byte> name)
    {
        writer.WritePropertyName(name);
        if (row == null)
        {
            writer.WriteNullValue();
            return;
        }

        StatJson.WriteRow(writer, table, row);
    }
}
