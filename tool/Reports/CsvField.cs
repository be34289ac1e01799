using System;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>A text as a field of CSV (RFC 4180).</summary>
internal static class CsvField
{
    public static void Write(Utf8Output output, string text)
    {
        if (text.AsSpan().IndexOfAny("\",\r\n") < 0)
        {
            output.Write(text);
            return;
        }

        output.Write((byte)'"').Write(text.Replace("\"", "\"\"", StringComparison.Ordinal)).Write((byte)'"');
    }
}
