using System;
using System.Text;

namespace Ftrace.Names;

/// <summary>
/// Rust symbols of the old kind, which look like those of C++: <c>_ZN4shop5total17h49c8812b46b9d445E</c>. The last part is a hash. Source:
/// rustc_symbol_mangling::legacy.
/// </summary>
internal ref struct RustLegacy
{
    /// <summary>Of "h" and the hash.</summary>
    private const int HashLength = 17;

    /// <summary>The parts, each with its length before it, without the hash.</summary>
    private readonly ReadOnlySpan<byte> _parts;

    /// <param name="symbol">Any symbol, without what follows the dot after it.</param>
    public RustLegacy(ReadOnlySpan<byte> symbol)
    {
        if (!symbol.StartsWith("_ZN"u8) || !symbol.EndsWith("E"u8) || symbol.Length < HashLength + 6)
        {
            return;
        }

        ReadOnlySpan<byte> end = symbol[^(HashLength + 3)..^1];
        if (!end.StartsWith("17h"u8) || end[3..].IndexOfAnyExcept("0123456789abcdef"u8) >= 0)
        {
            return;
        }

        ReadOnlySpan<byte> parts = symbol[3..^(HashLength + 3)];
        ReadOnlySpan<byte> rest = parts;
        while (TryReadPart(ref rest, out _))
        {
        }

        if (rest.IsEmpty)
        {
            Hash = end[2..];
            _parts = parts;
        }
    }

    /// <summary>False if the symbol is not such a one.</summary>
    public readonly bool IsValid => !_parts.IsEmpty;

    /// <summary>"h" and the hash.</summary>
    public ReadOnlySpan<byte> Hash { get; }

    /// <summary>Writes the name without the hash.</summary>
    /// <param name="to">Room for twice as many bytes as the symbol has: <c>1a1b</c> becomes <c>a::b</c>.</param>
    /// <returns>How many bytes were written.</returns>
    public readonly int Write(Span<byte> to)
    {
        ReadOnlySpan<byte> rest = _parts;
        int length = 0;
        while (TryReadPart(ref rest, out ReadOnlySpan<byte> part))
        {
            length += length == 0 ? 0 : Copy("::"u8, to[length..]);
            length += WritePart(part, to[length..]);
        }

        return length;
    }

    private static bool TryReadPart(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> part)
    {
        int digits = 0;
        int length = 0;
        while (digits < rest.Length && digits < 5 && rest[digits] is >= (byte)'0' and <= (byte)'9')
        {
            length = (length * 10) + rest[digits++] - '0';
        }

        part = default;
        if (digits == 0 || length == 0 || length > rest.Length - digits)
        {
            return false;
        }

        part = rest.Slice(digits, length);
        rest = rest[(digits + length)..];
        return true;
    }

    /// <summary>Two dots are <c>::</c>, and between dollars is the name of a character; an unknown one stays as it is, and what follows it.</summary>
    private static int WritePart(ReadOnlySpan<byte> part, Span<byte> to)
    {
        part = part.StartsWith("_$"u8) ? part[1..] : part;
        int length = 0;
        while (!part.IsEmpty)
        {
            int used;
            if (part.StartsWith(".."u8))
            {
                used = 2;
                length += Copy("::"u8, to[length..]);
            }
            else if (part[0] == '$')
            {
                used = part[1..].IndexOf((byte)'$') + 2;
                int written = used < 2 ? 0 : WriteCharacter(part[1..(used - 1)], to[length..]);
                used = written == 0 ? part.Length : used;
                length += written == 0 ? Copy(part, to[length..]) : written;
            }
            else
            {
                used = part[1..].IndexOfAny((byte)'.', (byte)'$') + 1;
                used = used == 0 ? part.Length : used;
                length += Copy(part[..used], to[length..]);
            }

            part = part[used..];
        }

        return length;
    }

    /// <returns>How many bytes were written, at most two more than the name has; 0: there is no such character.</returns>
    private static int WriteCharacter(ReadOnlySpan<byte> name, Span<byte> to)
    {
        if (name.Length is > 1 and <= 7 && name[0] == 'u')
        {
            uint value = 0;
            foreach (byte c in name[1..])
            {
                int digit = "0123456789abcdef"u8.IndexOf(c);
                if (digit < 0)
                {
                    return 0;
                }

                value = (value << 4) | (uint)digit;
            }

            return value >= ' ' && value != 0x7f && Rune.TryCreate(value, out Rune rune) ? rune.EncodeToUtf8(to) : 0;
        }

        ReadOnlySpan<byte> names = "C,SP@BP*RF&LT<GT>LP(RP)"u8;
        if (name.SequenceEqual(names[..1]))
        {
            return Copy(names[1..2], to);
        }

        for (int at = 2; at < names.Length; at += 3)
        {
            if (name.SequenceEqual(names.Slice(at, 2)))
            {
                return Copy(names.Slice(at + 2, 1), to);
            }
        }

        return 0;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> to)
    {
        text.CopyTo(to);
        return text.Length;
    }
}
