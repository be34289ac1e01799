using System;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>Writes a comment with texts at columns.</summary>
internal static class TitleLine
{
    public static void Write(Utf8Output output, ReadOnlySpan<(int Column, string Text)> texts)
    {
        output.Write((byte)'#');
        int position = 1;
        foreach ((int column, string text) in texts)
        {
            output.Fill((byte)' ', column - position).Write(text);
            position = column + text.Length;
        }

        output.Line();
    }
}
