using System;

namespace Ftrace.Linux;

/// <summary>
/// Reads the memory map by ascending address: by a query for each mapping that is wanted, or, if the kernel
/// has no such query, line by line through a buffer of the caller's.
/// </summary>
/// <remarks>The thread's file, not the process's: the latter is empty when the main thread has ended.</remarks>
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

    /// <summary>The next mapping; those that end at or before <paramref name="from"/> may be skipped.</summary>
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

        return TryReadLine(out _, out entry);
    }

    /// <summary>As <see cref="Next"/>, with the mapping's name, as <see cref="MapEntry.NameIn"/> has it.</summary>
    /// <param name="from">Mappings that end at or before it may be skipped.</param>
    /// <param name="buffer">Memory for the name.</param>
    /// <param name="size">Its size. A longer name is not read: it is empty then.</param>
    /// <param name="entry">The mapping.</param>
    /// <param name="name">Its name; valid until the next call.</param>
    /// <returns>False at the end.</returns>
    public bool NextNamed(ulong from, byte* buffer, int size, out MapEntry entry, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (!_asText)
        {
            var query = new ProcmapQuery
            {
                Size = (ulong)sizeof(ProcmapQuery),
                Flags = ProcmapQuery.CoveringOrNext,
                Address = from,
                Name = (ulong)buffer,
                NameSize = (uint)size,
            };
            nint error = Native.Syscall(SyscallNumber.Ioctl, _fd, unchecked((nint)ProcmapQuery.Request), (nint)(&query));
            if (error == 0)
            {
                entry = new MapEntry { Start = query.Start, End = query.End, Protection = (int)query.Protection & Memory.ProtAll };
                name = query.NameSize > 1 ? new ReadOnlySpan<byte>(buffer, (int)query.NameSize - 1) : default;
                return true;
            }

            if (error is -Errno.ENOENT or -Errno.ENAMETOOLONG)
            {
                return Next(from, out entry);
            }

            _asText = true;
        }

        bool found = TryReadLine(out ReadOnlySpan<byte> line, out entry);
        name = MapEntry.NameIn(line);
        return found;
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line, out MapEntry entry)
    {
        for (; ; )
        {
            var rest = new ReadOnlySpan<byte>(_buffer + _at, _length - _at);
            int length = rest.IndexOf((byte)'\n');
            if (length >= 0)
            {
                _at += length + 1;
                line = rest[..length];
                if (MapEntry.TryParse(line, out entry))
                {
                    return true;
                }
            }
            else if (!Refill(rest))
            {
                line = default;
                entry = default;
                return false;
            }
        }
    }

    /// <summary>Finds the path of the file that is mapped at an address, 0-terminated.</summary>
    /// <returns>False if there is none, or it does not fit.</returns>
    public bool TryFindPath(ulong address, byte* path, int size)
    {
        var query = new ProcmapQuery { Size = (ulong)sizeof(ProcmapQuery), Address = address, Name = (ulong)path, NameSize = (uint)size };
        nint error = Native.Syscall(SyscallNumber.Ioctl, _fd, unchecked((nint)ProcmapQuery.Request), (nint)(&query));
        if (error is 0 or -Errno.ENOENT or -Errno.ENAMETOOLONG)
        {
            return error == 0 && query.NameSize > 1;
        }

        // The path follows the fields and some spaces.
        while (TryReadLine(out ReadOnlySpan<byte> line, out MapEntry entry))
        {
            int at = line.IndexOf((byte)'/');
            if (address - entry.Start < entry.End - entry.Start)
            {
                bool found = at >= 0 && line.Length - at < size;
                for (int i = at; found && i <= line.Length; i++)
                {
                    path[i - at] = i < line.Length ? line[i] : (byte)0;
                }

                return found;
            }
        }

        return false;
    }

    public void Close() => ProcFile.Close(_fd);

    private bool Refill(ReadOnlySpan<byte> rest)
    {
        // Byte by byte: a copy of spans may call the C library's memmove.
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
