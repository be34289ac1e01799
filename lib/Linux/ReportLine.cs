using System;
using System.Buffers.Text;

namespace Ftrace.Linux;

/// <summary>A line for the host's print function, built in memory of the caller's; what does not fit is cut off.</summary>
internal unsafe ref struct ReportLine(byte* line, int size)
{
    private readonly byte* _line = line;
    private readonly int _capacity = size - 1;
    private int _length;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    private readonly Span<byte> Rest => new(_line + _length, _capacity - _length);

    /// <summary>What the line has so far.</summary>
    public readonly ReadOnlySpan<byte> Text => new(_line, _length);

    public void Add(scoped ReadOnlySpan<byte> text)
    {
        int kept = Math.Min(text.Length, Rest.Length);
        text[..kept].CopyTo(Rest);
        _length += kept;
    }

    public void Add(long number)
    {
        if (Utf8Formatter.TryFormat(number, Rest, out int digits))
        {
            _length += digits;
        }
    }

    public void AddHex(ulong number)
    {
        if (Utf8Formatter.TryFormat(number, Rest, out int digits, 'x'))
        {
            _length += digits;
        }
    }

    /// <summary>Adds bytes in hexadecimal, each after a space.</summary>
    public void AddBytes(byte* bytes, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Add(" "u8);
            Add(Digits.Slice(bytes[i] >> 4, 1));
            Add(Digits.Slice(bytes[i] & 15, 1));
        }
    }

    /// <summary>Calls the host's function. Only if <see cref="HostPrint.IsSet"/>.</summary>
    public readonly void Print()
    {
        _line[_length] = 0;
        HostPrint.Print(_line);
    }
}
