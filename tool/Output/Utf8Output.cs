using System;
using System.Buffers.Text;
using System.IO;
using System.Text;

namespace Ftrace.Tool.Output;

/// <summary>Writes text as UTF-8 through a buffer. Nothing is allocated, and numbers do not depend on the locale.</summary>
internal sealed class Utf8Output(Stream stream) : IDisposable
{
    private const int Size = 64 * 1024;

    /// <summary>What one number takes at most.</summary>
    private const int MaxNumber = 32;

    private readonly byte[] _buffer = new byte[Size];
    private int _used;

    /// <summary>Bytes in all, for columns.</summary>
    public long Written { get; private set; }

    public Utf8Output Write(ReadOnlySpan<byte> bytes)
    {
        Written += bytes.Length;
        while (bytes.Length > Size - _used)
        {
            int part = Size - _used;
            bytes[..part].CopyTo(_buffer.AsSpan(_used));
            _used = Size;
            FlushBuffer();
            bytes = bytes[part..];
        }

        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
        return this;
    }

    public Utf8Output Write(byte b)
    {
        Room(1)[0] = b;
        return Count(1);
    }

    public Utf8Output Write(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            // A pair of surrogates must not be cut.
            int part = Math.Min(text.Length, Size / 4);
            part -= part < text.Length && char.IsHighSurrogate(text[part - 1]) ? 1 : 0;
            int length = Encoding.UTF8.GetBytes(text[..part], Room(part * 3));
            Count(length);
            text = text[part..];
        }

        return this;
    }

    /// <summary>A number in decimal, right-aligned in so many columns.</summary>
    public Utf8Output Write(ulong number, int width = 0, byte fill = (byte)' ')
    {
        Span<byte> room = Room(width + MaxNumber);
        Utf8Formatter.TryFormat(number, room, out int length);
        if (length < width)
        {
            room[..length].CopyTo(room[(width - length)..]);
            room[..(width - length)].Fill(fill);
            length = width;
        }

        return Count(length);
    }

    public Utf8Output Write(long number)
    {
        Utf8Formatter.TryFormat(number, Room(MaxNumber), out int length);
        return Count(length);
    }

    /// <summary>A number in hexadecimal.</summary>
    public Utf8Output WriteHex(ulong number, int digits = 0)
    {
        Utf8Formatter.TryFormat(number, Room(MaxNumber), out int length, new System.Buffers.StandardFormat('x', (byte)digits));
        return Count(length);
    }

    /// <summary>Nanoseconds as a number of a larger unit: 1234567 in microseconds with 3 digits is 1234.567.</summary>
    /// <param name="nanoseconds">The number, which is cut, not rounded.</param>
    /// <param name="unit">Nanoseconds of a unit: a power of ten.</param>
    /// <param name="digits">After the point.</param>
    /// <param name="width">Right-aligned in so many columns.</param>
    public Utf8Output WriteFixed(ulong nanoseconds, ulong unit, int digits, int width = 0)
    {
        ulong fraction = nanoseconds % unit;
        for (ulong scale = unit; digits < Digits(scale); scale /= 10)
        {
            fraction /= 10;
        }

        return Write(nanoseconds / unit, width - digits - 1).Write((byte)'.').Write(fraction, digits, (byte)'0');
    }

    public Utf8Output Fill(byte b, int count)
    {
        if (count > 0)
        {
            Room(count)[..count].Fill(b);
            Count(count);
        }

        return this;
    }

    public Utf8Output Line() => Write((byte)'\n');

    public void Flush()
    {
        FlushBuffer();
        stream.Flush();
    }

    public void Dispose() => Flush();

    private static int Digits(ulong powerOfTen)
    {
        int digits = 0;
        for (; powerOfTen > 1; powerOfTen /= 10)
        {
            digits++;
        }

        return digits;
    }

    private Span<byte> Room(int count)
    {
        if (count > Size - _used)
        {
            FlushBuffer();
        }

        return _buffer.AsSpan(_used);
    }

    private Utf8Output Count(int length)
    {
        _used += length;
        Written += length;
        return this;
    }

    private void FlushBuffer()
    {
        int used = _used;
        _used = 0; // also if it fails
        stream.Write(_buffer, 0, used);
    }
}
