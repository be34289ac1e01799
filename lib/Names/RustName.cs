using System;

namespace Ftrace.Names;

/// <summary>
/// A Rust function's name in the forms that people write it in: <c>&lt;shop::Cart&lt;i64&gt; as shop::Price&gt;::price</c> is also
/// <c>shop::Cart::price</c>.
/// </summary>
internal static class RustName
{
    private static ReadOnlySpan<byte> Impl => "<impl "u8;

    private static ReadOnlySpan<byte> For => " for "u8;

    private static ReadOnlySpan<byte> As => " as "u8;

    private static ReadOnlySpan<byte> ClosureNumber => "{closure#"u8;

    private static ReadOnlySpan<byte> AnyClosure => "{{closure}}"u8;

    /// <summary>True if there may be something in the name that <see cref="Shorten"/> leaves out.</summary>
    public static bool HasOmissions(ReadOnlySpan<byte> name) => name.IndexOfAny((byte)'<', (byte)'{') >= 0;

    /// <summary>Writes the name with some parts left out.</summary>
    /// <param name="name">The name.</param>
    /// <param name="omission">What to leave out.</param>
    /// <param name="to">Room for as many bytes as the name has.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Shorten(ReadOnlySpan<byte> name, RustOmission omission, Span<byte> to)
    {
        bool asType = (omission & RustOmission.Trait) != 0;
        int open = 0; // brackets around a type that may have a path of its own: <A as B>
        int length = 0;
        bool atStart = true; // of a path
        for (int at = 0; at < name.Length;)
        {
            ReadOnlySpan<byte> rest = name[at..];
            int used = 1;
            ReadOnlySpan<byte> added = rest[..1];
            if (rest.StartsWith(Impl))
            {
                open++;
                added = asType ? default : Impl;
                length = asType ? 0 : length;
                int type = asType ? IndexOf(rest[Impl.Length..], For) : -1;
                used = Impl.Length + (type >= 0 ? type + For.Length : 0);
            }
            else if (rest[0] == '<' && atStart)
            {
                open++;
                added = asType ? default : added;
            }
            else if (rest[0] == '<')
            {
                used = LengthOfGroup(rest);
                bool omits = (omission & RustOmission.Arguments) != 0 || ((omission & RustOmission.LastArguments) != 0 && used == rest.Length);
                added = omits ? default : rest[..used];
                length -= omits && to[..length].EndsWith("::"u8) ? 2 : 0;
            }
            else if (rest[0] == '>' && open > 0 && !IsArrow(name, at))
            {
                open--;
                added = asType ? default : added;
            }
            else if (open > 0 && rest.StartsWith(As))
            {
                int end = asType ? IndexOf(rest, default) : -1;
                used = end >= 0 ? end : As.Length;
                added = end >= 0 ? default : As;
            }
            else if ((omission & RustOmission.Closure) != 0 && rest.StartsWith(ClosureNumber))
            {
                used = LengthOfGroup(rest);
                added = used < AnyClosure.Length ? rest[..used] : AnyClosure;
            }
            else if (rest[0] is (byte)'(' or (byte)'[' or (byte)'{')
            {
                used = LengthOfGroup(rest);
                added = rest[..used];
            }

            added.CopyTo(to[length..]);
            length += added.Length;
            at += used;
            atStart = (atStart && rest[0] == '<') || rest.StartsWith(Impl) || (used == As.Length && rest.StartsWith(As));
        }

        return length;
    }

    /// <summary>From an opening bracket to the one that closes it, or to the end.</summary>
    private static int LengthOfGroup(ReadOnlySpan<byte> text)
    {
        int end = IndexOf(text[1..], default);
        return end < 0 ? text.Length : end + 2;
    }

    /// <summary>
    /// Where something begins that is in no other brackets than the text itself; an empty text: the bracket that closes them. -1: nowhere.
    /// </summary>
    private static int IndexOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> sought)
    {
        int depth = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (depth == 0 && !sought.IsEmpty && text[at..].StartsWith(sought))
            {
                return at;
            }

            if (text[at] is (byte)'(' or (byte)'[' or (byte)'{' or (byte)'<')
            {
                depth++;
            }
            else if (text[at] is (byte)')' or (byte)']' or (byte)'}' or (byte)'>' && !IsArrow(text, at))
            {
                depth--;
            }

            if (depth < 0)
            {
                return sought.IsEmpty ? at : -1;
            }
        }

        return -1;
    }

    /// <summary>True for the end of the arrow in <c>fn() -&gt; A</c>, which is no bracket.</summary>
    private static bool IsArrow(ReadOnlySpan<byte> text, int at) => at > 0 && text[at] == '>' && text[at - 1] == '-';
}
