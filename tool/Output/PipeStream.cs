using System;
using System.IO;

namespace Ftrace.Tool.Output;

/// <summary>Writes to a pager, which can be left at any time.</summary>
internal sealed class PipeStream(Stream pipe) : Stream
{
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
        try
        {
            pipe.Write(buffer, offset, count);
        }
        catch (IOException)
        {
            throw new OutputClosedException();
        }
    }

    public override void Flush()
    {
        try
        {
            pipe.Flush();
        }
        catch (IOException)
        {
            throw new OutputClosedException();
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        try
        {
            pipe.Dispose();
        }
        catch (IOException)
        {
            // It was left.
        }
    }
}
