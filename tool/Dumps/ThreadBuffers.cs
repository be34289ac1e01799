using System;

namespace Ftrace.Tool.Dumps;

/// <summary>A buffer for each thread, so that what belongs to one of many threads can be written in large pieces.</summary>
/// <param name="count">How many threads.</param>
/// <param name="write">Takes the contents of a buffer.</param>
internal sealed class ThreadBuffers(int count, ThreadBuffers.Writer write)
{
    /// <summary>Buffers of a thousand threads are 16 MB.</summary>
    public const int Size = 16 * 1024;

    private readonly byte[]?[] _buffers = new byte[count][];
    private readonly int[] _used = new int[count];

    public delegate void Writer(int thread, ReadOnlySpan<byte> bytes);

    /// <summary>Room for so many bytes, at most <see cref="Size"/>; <see cref="Add"/> says how many were used.</summary>
    public Span<byte> Room(int thread, int length)
    {
        byte[] buffer = _buffers[thread] ??= new byte[Size];
        if (Size - _used[thread] < length)
        {
            Flush(thread);
        }

        return buffer.AsSpan(_used[thread]);
    }

    public void Add(int thread, int length) => _used[thread] += length;

    public void Flush(int thread)
    {
        int used = _used[thread];
        _used[thread] = 0;
        if (used != 0)
        {
            write(thread, _buffers[thread].AsSpan(0, used));
        }
    }
}
