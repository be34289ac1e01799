using System;
using System.Text;

namespace Ftrace.Tool.Dumps;

/// <summary>Fields of Protocol Buffers, into a buffer that is used again and again.</summary>
internal sealed class ProtobufWriter
{
    private byte[] _buffer = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

    public ProtobufWriter Clear()
    {
        Length = 0;
        return this;
    }

    public ProtobufWriter Number(int field, ulong value)
    {
        Length = PutVarint(Room(20), Length, (ulong)field << 3);
        Length = PutVarint(_buffer, Length, value);
        return this;
    }

    public ProtobufWriter Text(int field, string text) => Data(field, Encoding.UTF8.GetBytes(text));

    public ProtobufWriter Message(int field, ProtobufWriter message) => Data(field, message.Bytes);

    public ProtobufWriter Data(int field, ReadOnlySpan<byte> bytes)
    {
        const int LengthDelimited = 2;

        Length = PutVarint(Room(20 + bytes.Length), Length, (ulong)field << 3 | LengthDelimited);
        Length = PutVarint(_buffer, Length, (ulong)bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(Length));
        Length += bytes.Length;
        return this;
    }

    /// <summary>Writes a number of up to ten bytes. Returns the place after it.</summary>
    public static int PutVarint(Span<byte> to, int place, ulong value)
    {
        while (value >= 0x80)
        {
            to[place++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[place++] = (byte)value;
        return place;
    }

    private byte[] Room(int count)
    {
        if (_buffer.Length - Length < count)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + count));
        }

        return _buffer;
    }
}
