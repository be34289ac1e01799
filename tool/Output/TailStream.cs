using System;
using System.Collections.Generic;
using System.IO;

namespace Ftrace.Tool.Output;

/// <summary>Passes on only the last lines of what is written. They are kept until <see cref="Finish"/>.</summary>
internal sealed class TailStream(Stream stream, long lines) : Stream
{
    /// <summary>What is kept, in parts, with the number of lines that end in each.</summary>
    private readonly Queue<(byte[] Bytes, long Lines)> _parts = new();
    private long _kept;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        byte[] part = buffer.AsSpan(offset, count).ToArray();
        long ends = part.AsSpan().Count((byte)'\n');
        _parts.Enqueue((part, ends));
        _kept += ends;
        while (_kept - _parts.Peek().Lines > lines)
        {
            _kept -= _parts.Dequeue().Lines;
        }
    }

    /// <summary>Passes on what was kept.</summary>
    public void Finish()
    {
        long excess = _kept - lines;
        while (_parts.TryDequeue(out (byte[] Bytes, long Lines) part))
        {
            ReadOnlySpan<byte> bytes = part.Bytes;
            for (; excess > 0 && !bytes.IsEmpty; excess--)
            {
                int end = bytes.IndexOf((byte)'\n');
                if (end < 0)
                {
                    bytes = default;
                    break;
                }

                bytes = bytes[(end + 1)..];
            }

            stream.Write(bytes);
        }

        _kept = 0;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
