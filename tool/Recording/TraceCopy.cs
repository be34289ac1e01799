using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>
/// Finishes what the program has recorded, and writes its used blocks, information first: if the disk is full, what was written can be read.
/// </summary>
/// <param name="source">The descriptor that the program recorded into.</param>
internal sealed unsafe class TraceCopy(int source)
{
    private const int HeaderSize = 128;
    private const int StateOffset = 36;
    private const int BlockCountOffset = 24;
    private const int BlockSizeOffset = 16;
    private const int MinBlockSize = 4096;
    private const int MaxBlockSize = 1 << 20;

    private readonly List<long> _information = [];
    private readonly List<long> _events = [];
    private readonly byte[] _header = new byte[HeaderSize];
    private byte[] _block = [];

    /// <summary>Events that were recorded, as far as they are in the blocks.</summary>
    public long Events { get; private set; }

    /// <summary>A thread has begun to record.</summary>
    public bool HasEvents => _events.Count != 0;

    /// <summary>Bytes that were written.</summary>
    public long Written { get; private set; }

    /// <summary>Bytes that there are to write.</summary>
    public long Size => (1 + _information.Count + _events.Count) * (long)_block.Length;

    /// <summary>Reads the headers.</summary>
    /// <returns>False if the program has not begun to record.</returns>
    public bool TryRead()
    {
        if (!Read(0, _header) || !_header.AsSpan().StartsWith("FTRACE\r\n"u8))
        {
            return false;
        }

        uint size = BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(BlockSizeOffset));
        if (size < MinBlockSize || size > MaxBlockSize || (size & (size - 1)) != 0)
        {
            throw new IOException($"what the program has recorded is damaged: {size} is not a size of blocks");
        }

        _block = new byte[size];
        Span<byte> bytes = stackalloc byte[sizeof(BlockHeader)];
        for (long at = size; Read(at, bytes); at += size)
        {
            ref readonly BlockHeader header = ref System.Runtime.InteropServices.MemoryMarshal.AsRef<BlockHeader>(bytes);
            if (header.Magic == BlockHeader.Ftbk && header.Sequence != 0)
            {
                (header.Type == BlockHeader.Events ? _events : _information).Add(at);
            }
        }

        FinishHeader();
        return true;
    }

    /// <summary>Writes everything.</summary>
    /// <returns>0 or the error; what was written until then can be read.</returns>
    public int Write(TraceOutput output)
    {
        _block.AsSpan().Clear();
        _header.CopyTo(_block.AsSpan());
        int error = WriteBlock(output);
        foreach (long at in _information)
        {
            error = error == 0 && Read(at, _block) ? WriteBlock(output) : error;
        }

        foreach (long at in _events)
        {
            if (error == 0 && Read(at, _block))
            {
                Events += EventCount.Of(_block);
                error = WriteBlock(output);
            }
        }

        return error;
    }

    /// <summary>Finishes a file that the program has recorded into itself.</summary>
    public void FinishInPlace()
    {
        fixed (byte* header = _header)
        {
            if (Libc.WriteAt(source, header, HeaderSize, 0) != HeaderSize)
            {
                throw Libc.Failure("the trace cannot be finished");
            }
        }

        foreach (long at in _events)
        {
            Events += Read(at, _block) ? EventCount.Of(_block) : 0;
        }

        Written = Size;
    }

    /// <summary>A program that was killed has not done it.</summary>
    private void FinishHeader()
    {
        Span<byte> state = _header.AsSpan(StateOffset);
        if (BinaryPrimitives.ReadUInt32LittleEndian(state) == (uint)TraceState.Recording)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(state, (uint)TraceState.Ended);
        }
    }

    private int WriteBlock(TraceOutput output)
    {
        if (Written == 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_block.AsSpan(BlockCountOffset), (ulong)(Size / _block.Length));
        }

        int error = output.Write(_block);
        Written += error == 0 ? _block.Length : 0;
        return error;
    }

    private bool Read(long offset, Span<byte> to)
    {
        fixed (byte* start = to)
        {
            nint done = 0;
            while (done < to.Length)
            {
                nint count = Libc.ReadAt(source, start + done, to.Length - done, offset + done);
                if (count == 0 || (count < 0 && Libc.Errno != Libc.EINTR))
                {
                    return false;
                }

                done += nint.Max(count, 0);
            }
        }

        return true;
    }
}
