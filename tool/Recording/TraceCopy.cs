using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Ftrace.Tool.Output;
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
    private const int LostOffset = 88;
    private const int MinBlockSize = 4096;
    private const int MaxBlockSize = 1 << 20;

    private readonly List<long> _information = [];
    private readonly List<RecordedBlock> _events = [];
    private readonly List<long> _unused = [];
    private readonly byte[] _header = new byte[HeaderSize];
    private byte[] _block = [];

    /// <summary>Events that were recorded, as far as they are in the blocks.</summary>
    public long Events { get; private set; }

    /// <summary>A thread has begun to record.</summary>
    public bool HasEvents => _events.Count != 0;

    /// <summary>Events that no thread had a buffer for.</summary>
    public ulong LostWithoutBuffer => BinaryPrimitives.ReadUInt64LittleEndian(_header.AsSpan(LostOffset));

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
            ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(bytes);
            if (header.Magic != BlockHeader.Ftbk || header.Sequence == 0)
            {
                _unused.Add(at);
            }
            else if (header.Type == BlockHeader.Events)
            {
                _events.Add(new RecordedBlock(header.Thread, header.Sequence, at));
            }
            else
            {
                _information.Add(at);
            }
        }

        DropCopies();
        FinishHeader();
        return true;
    }

    /// <summary>Writes everything.</summary>
    /// <returns>0 or the error; what was written until then can be read.</returns>
    public int Write(TraceOutput output, Progress progress)
    {
        progress.Expect(_information.Count + _events.Count);
        _block.AsSpan().Clear();
        _header.CopyTo(_block.AsSpan());
        int error = WriteBlock(output);
        foreach (long at in _information)
        {
            error = error == 0 && Read(at, _block) ? WriteBlock(output) : error;
            progress.Advance();
        }

        foreach (RecordedBlock block in _events)
        {
            if (error == 0 && Read(block.Offset, _block))
            {
                Events += EventCount.Of(_block);
                error = WriteBlock(output);
            }

            progress.Advance();
        }

        return error;
    }

    /// <summary>Finishes a file that the program has recorded into itself. The last blocks take the places of those that are not used.</summary>
    public void FinishInPlace(Progress progress)
    {
        progress.Expect(_events.Count);
        var used = new List<long>(_information);
        foreach (RecordedBlock block in _events)
        {
            Events += Read(block.Offset, _block) ? EventCount.Of(_block) : 0;
            used.Add(block.Offset);
            progress.Advance();
        }

        used.Sort();
        _unused.Sort();
        int last = used.Count - 1;
        foreach (long at in _unused)
        {
            if (last < 0 || used[last] < at)
            {
                break;
            }

            if (!Read(used[last--], _block))
            {
                throw Libc.Failure("the trace cannot be finished");
            }

            WriteAt(at, _block);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(_header.AsSpan(BlockCountOffset), (ulong)(Size / _block.Length));
        WriteAt(0, _header);
        if (Libc.Truncate(source, Size) != 0)
        {
            throw Libc.Failure("the trace cannot be finished");
        }

        Written = Size;
    }

    /// <summary>In a stream a block may be in a ring, and copied from there: the one with more events is kept.</summary>
    private void DropCopies()
    {
        _events.Sort();
        int kept = 0;
        for (int i = 0; i < _events.Count; i++)
        {
            if (kept == 0 || !_events[kept - 1].IsSameAs(_events[i]))
            {
                _events[kept++] = _events[i];
                continue;
            }

            bool isFuller = CountAt(_events[i]) >= CountAt(_events[kept - 1]);
            _unused.Add((isFuller ? _events[kept - 1] : _events[i]).Offset);
            _events[kept - 1] = isFuller ? _events[i] : _events[kept - 1];
        }

        _events.RemoveRange(kept, _events.Count - kept);
    }

    private int CountAt(RecordedBlock block) => Read(block.Offset, _block) ? EventCount.Of(_block) : 0;

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

    private void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                nint count = Libc.WriteAt(source, start + done, bytes.Length - done, offset + done);
                if (count < 0 && Libc.Errno != Libc.EINTR)
                {
                    throw Libc.Failure("the trace cannot be finished");
                }

                done += nint.Max(count, 0);
            }
        }
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
