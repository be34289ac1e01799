using System;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ftrace.Tool.Reports;

/// <summary><c>ftrace stat</c> as JSON.</summary>
internal static class StatJson
{
    public static void Write(Stream stream, StatTable table, string path, int limit)
    {
        using (Utf8JsonWriter writer = NewWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("file"u8, path);
            writer.WriteNumber("lost"u8, table.Lost);
            writer.WriteNumber("missing_blocks"u8, table.MissingBlocks);
            writer.WriteNumber("samples"u8, table.Samples);
            writer.WriteStartArray("functions"u8);
            for (int i = 0; i < Math.Min(limit, table.Rows.Count); i++)
            {
                WriteRow(writer, table, table.Rows[i]);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    /// <summary>Escapes what JSON demands, and not what would be dangerous in HTML: names of C++ are full of it.</summary>
    public static Utf8JsonWriter NewWriter(Stream stream) =>
        new(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static void WriteRow(Utf8JsonWriter writer, StatTable table, StatRow row)
    {
        writer.WriteStartObject();
        writer.WriteString("function"u8, row.Name);
        writer.WriteString("object"u8, row.Object);
        if (table.HasThreads)
        {
            writer.WriteNumber("tid"u8, row.ThreadId);
            writer.WriteString("thread"u8, row.ThreadName);
        }

        writer.WriteNumber("calls"u8, row.Calls);
        writer.WriteNumber("without_entry"u8, row.WithoutEntry);
        writer.WriteNumber("without_exit"u8, row.WithoutExit);
        WriteTime(writer, "total_ns"u8, row.Total);
        WriteTime(writer, "self_ns"u8, row.Self);
        WriteTime(writer, "avg_ns"u8, row.Average);
        WriteTime(writer, "min_ns"u8, row.Min);
        WriteTime(writer, "max_ns"u8, row.Max);
        WriteTime(writer, "p50_ns"u8, row.P50);
        WriteTime(writer, "p99_ns"u8, row.P99);
        if (table.Samples != 0)
        {
            writer.WriteNumber("samples"u8, row.Samples);
            writer.WriteNumber("samples_total"u8, row.SamplesInside);
        }

        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ulong? time)
    {
        if (time is { } nanoseconds)
        {
            writer.WriteNumber(name, nanoseconds);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
