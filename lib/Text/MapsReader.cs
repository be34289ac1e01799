using System;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>
/// Reads the memory map by ascending address: with a question for each mapping that is wanted, or, where the system
/// answers none, line by line through a buffer of the caller's.
/// </summary>
/// <remarks>Of the thread, not of the process: the latter's is empty when the main thread has ended.</remarks>
internal unsafe ref struct MapsReader(byte* buffer, int size)
{
    private readonly byte* _buffer = buffer;
    private readonly int _size = size;
    private int _fd = -1;
    private int _at;
    private int _length;
    private bool _asText;

    /// <returns>0 or -errno.</returns>
    public int Open()
    {
        fixed (byte* path = "/proc/thread-self/maps\0"u8)
        {
            _fd = ProcFile.Open(path);
        }

        return _fd < 0 ? _fd : 0;
    }

    /// <summary>The next mapping; those that end at or before <paramref name="from"/> may be left out.</summary>
    /// <returns>False at the end.</returns>
    public bool Next(ulong from, out MapEntry entry)
    {
        if (!_asText)
        {
            var query = new ProcmapQuery { Size = (ulong)sizeof(ProcmapQuery), Flags = ProcmapQuery.CoveringOrNext, Address = from };
            nint error = Native.Syscall(SyscallNumber.Ioctl, _fd, unchecked((nint)ProcmapQuery.Request), (nint)(&query));
            if (error is 0 or -Errno.ENOENT)
            {
                entry = new MapEntry { Start = query.Start, End = query.End, Protection = (int)query.Protection & Memory.ProtAll };
                return error == 0;
            }

            _asText = true;
        }

        for (; ; )
        {
            var rest = new ReadOnlySpan<byte>(_buffer + _at, _length - _at);
            int line = rest.IndexOf((byte)'\n');
            if (line >= 0)
            {
                _at += line + 1;
                if (MapEntry.TryParse(rest[..line], out entry))
                {
                    return true;
                }
            }
            else if (!Refill(rest))
            {
                entry = default;
                return false;
            }
        }
    }

    public void Close() => ProcFile.Close(_fd);

    private bool Refill(ReadOnlySpan<byte> rest)
    {
        // Byte by byte: copying spans may end in the C library's memmove.
        int kept = rest.Length;
        for (int i = 0; i < kept; i++)
        {
            _buffer[i] = rest[i];
        }

        int got = ProcFile.Read(_fd, _buffer + kept, _size - kept);
        _at = 0;
        _length = kept + Math.Max(got, 0);
        return got > 0;
    }
}
