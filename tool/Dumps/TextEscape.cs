using System;
using System.Text;
using System.Text.Encodings.Web;

namespace Ftrace.Tool.Dumps;

/// <summary>Text of a trace for formats that have characters of their own. What is not UTF-8 becomes U+FFFD.</summary>
internal static class TextEscape
{
    /// <summary>A JSON string, quotes included.</summary>
    public static byte[] Json(ReadOnlySpan<byte> text) => Json(Encoding.UTF8.GetString(text));

    /// <summary>A JSON string, quotes included.</summary>
    /// <remarks>This encoder leaves characters alone that are special in HTML only.</remarks>
    public static byte[] Json(string text) => Encoding.UTF8.GetBytes($"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"");

    /// <summary>Text for XML, between tags or in an attribute. Control characters, which XML does not have, become U+FFFD.</summary>
    public static string Xml(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '&':
                    escaped.Append("&amp;");
                    break;
                case '<':
                    escaped.Append("&lt;");
                    break;
                case '>':
                    escaped.Append("&gt;");
                    break;
                case '"':
                    escaped.Append("&quot;");
                    break;
                case '\'':
                    escaped.Append("&#39;");
                    break;
                case < 0x20 or (>= 0x7f and < 0xa0) or 0xfffe or 0xffff:
                    escaped.Append('\ufffd');
                    break;
                default:
                    escaped.Append(rune.ToString());
                    break;
            }
        }

        return escaped.ToString();
    }
}
