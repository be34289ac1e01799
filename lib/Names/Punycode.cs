using System;
using System.Text;

namespace Ftrace.Names;

/// <summary>Identifiers with letters beyond ASCII, as Rust's symbols have them: RFC 3492, with <c>_</c> as the delimiter.</summary>
internal static class Punycode
{
    private const int MostCharacters = 128;
    private const int Base = 36;
    private const int First = 1; // tmin
    private const int Last = 26; // tmax
    private const int Skew = 38;

    /// <summary>Writes an identifier in UTF-8.</summary>
    /// <returns>How many bytes were written; 0: it is not an identifier, or too long.</returns>
    public static int Write(ReadOnlySpan<byte> name, Span<byte> to)
    {
        Span<int> characters = stackalloc int[MostCharacters];
        int count = Decode(name, characters);
        int length = 0;
        for (int i = 0; i < count; i++)
        {
            if (!Rune.TryCreate(characters[i], out Rune rune) || !rune.TryEncodeToUtf8(to[length..], out int bytes))
            {
                return 0;
            }

            length += bytes;
        }

        return length;
    }

    /// <returns>How many characters there are; 0: an error.</returns>
    private static int Decode(ReadOnlySpan<byte> name, Span<int> to)
    {
        int delimiter = name.LastIndexOf((byte)'_');
        ReadOnlySpan<byte> basic = delimiter < 0 ? default : name[..delimiter];
        ReadOnlySpan<byte> rest = name[(delimiter + 1)..];
        if (basic.Length >= to.Length || rest.IsEmpty)
        {
            return 0;
        }

        int count = 0;
        foreach (byte c in basic)
        {
            to[count++] = c;
        }

        long character = 128;
        long position = 0;
        int bias = 72;
        int damp = 700;
        for (int at = 0; at < rest.Length;)
        {
            if (count == to.Length || !ReadDelta(rest, ref at, bias, out long delta))
            {
                return 0;
            }

            count++;
            position += delta;
            character += position / count;
            position %= count;
            if (character > 0x10ffff)
            {
                return 0;
            }

            to[(int)position..(count - 1)].CopyTo(to[((int)position + 1)..]);
            to[(int)position] = (int)character;
            position++;
            bias = NextBias(delta / damp, count);
            damp = 2;
        }

        return count;
    }

    /// <summary>A number whose last digit is below a threshold that the bias decides.</summary>
    private static bool ReadDelta(ReadOnlySpan<byte> digits, ref int at, int bias, out long delta)
    {
        delta = 0;
        long weight = 1;
        for (int place = Base; at < digits.Length; place += Base)
        {
            int digit = DigitOf(digits[at++]);
            int threshold = Math.Clamp(place - bias, First, Last);
            if (digit < 0 || weight > int.MaxValue)
            {
                return false;
            }

            delta += digit * weight;
            weight *= Base - threshold;
            if (digit < threshold)
            {
                return delta <= int.MaxValue;
            }
        }

        return false;
    }

    private static int NextBias(long delta, int count)
    {
        delta += delta / count;
        int bias = 0;
        while (delta > (Base - First) * Last / 2)
        {
            delta /= Base - First;
            bias += Base;
        }

        return bias + (int)((Base - First + 1) * delta / (delta + Skew));
    }

    private static int DigitOf(byte c) => c switch
    {
        >= (byte)'a' and <= (byte)'z' => c - 'a',
        >= (byte)'0' and <= (byte)'9' => c - '0' + 26,
        _ => -1,
    };
}
