using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Output;

/// <summary>
/// Writes to an open file descriptor. The runtime's streams do not say that nobody reads a pipe any more, or leave the position of a file,
/// which others share, where it was.
/// </summary>
internal sealed partial class DescriptorStream(int descriptor) : Stream
{
    public const int StandardOutput = 1;
    public const int StandardError = 2;

    private const int BrokenPipe = 32;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const short PollOut = 4;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint done = 0;
            while (done < buffer.Length)
            {
                nint count = WriteTo(descriptor, start + done, buffer.Length - done);
                if (count < 0)
                {
                    Handle(Marshal.GetLastPInvokeError());
                    continue;
                }

                done += count;
            }
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private unsafe void Handle(int error)
    {
        switch (error)
        {
            case Interrupted:
                return;
            case WouldBlock:
                long poll = (uint)descriptor | (long)PollOut << 32;
                _ = Poll(&poll, 1, -1);
                return;
            case BrokenPipe:
                throw new OutputClosedException();
            default:
                throw new IOException($"the output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint WriteTo(int descriptor, void* buffer, nint count);

    /// <summary>A <c>struct pollfd</c> has 8 bytes: the descriptor, the events, the result.</summary>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int Poll(void* descriptors, nuint count, int timeout);
}
