using System;
using System.Collections.Generic;
using System.IO;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// Keeps what belongs to one thread until all of it can be written together, in a temporary file (<c>TMPDIR</c>): a trace has threads in
/// turn, and can be larger than the memory.
/// </summary>
internal sealed class Spool : IDisposable
{
    /// <remarks>GetTempFileName makes files that nobody else can read.</remarks>
    private readonly FileStream _file = new(
        Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);

    private readonly List<(long Offset, int Length)>[] _pieces;
    private readonly byte[] _buffer = new byte[ThreadBuffers.Size];

    public Spool(int threads)
    {
        _pieces = new List<(long, int)>[threads];
        for (int i = 0; i < threads; i++)
        {
            _pieces[i] = [];
        }

        Buffers = new ThreadBuffers(threads, Write);
    }

    public ThreadBuffers Buffers { get; }

    public bool IsEmpty(int thread)
    {
        Buffers.Flush(thread);
        return _pieces[thread].Count == 0;
    }

    /// <summary>Calls a function with all that a thread has, piece by piece.</summary>
    public void Read(int thread, Action<ReadOnlyMemory<byte>> read)
    {
        Buffers.Flush(thread);
        foreach ((long offset, int length) in _pieces[thread])
        {
            _file.Position = offset;
            _file.ReadExactly(_buffer, 0, length);
            read(_buffer.AsMemory(0, length));
        }
    }

    public void Dispose() => _file.Dispose();

    private void Write(int thread, ReadOnlySpan<byte> bytes)
    {
        _file.Seek(0, SeekOrigin.End);
        _pieces[thread].Add((_file.Position, bytes.Length));
        _file.Write(bytes);
    }
}
