using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tool.Reading;

/// <summary>The records in the blocks of information.</summary>
internal sealed unsafe class TraceInformation(TraceFile file)
{
    private const int RecordHeader = 8;

    /// <summary>More than any process has; it bounds the memory that a damaged file takes.</summary>
    private const int MaxSymbols = 4_000_000;
    private const int MaxObjects = 100_000;
    private const int MaxClocks = 100_000;
    private const int MaxSnapshots = 10_000;
    private const int MaxOptions = 1000;

    private readonly List<TraceObject> _objects = [];
    private readonly Dictionary<uint, TraceObject> _objectsByNumber = [];
    private readonly Dictionary<string, string> _options = [];
    private readonly List<TraceSnapshot> _snapshots = [];
    private readonly List<ClockPair> _clocks = [];
    private int _symbolCount;

    public TraceProcess Process { get; private set; } = new() { Id = file.Header.ProcessId };

    public IReadOnlyList<TraceObject> Objects => _objects;

    public IReadOnlyDictionary<string, string> Options => _options;

    public IReadOnlyList<TraceSnapshot> Snapshots => _snapshots;

    public ulong LostWithoutBuffer { get; private set; }

    /// <param name="blocks">Sorted.</param>
    public void Read(List<BlockEntry> blocks)
    {
        byte[] buffer = new byte[file.Header.BlockSize];
        foreach (BlockEntry block in blocks)
        {
            long offset = (long)block.Block * buffer.Length;
            ReadRecords(buffer.AsSpan(0, file.Read(offset, buffer)), offset);
        }

        foreach (TraceObject target in _objects)
        {
            target.Symbols.Sort();
        }
    }

    public ClockConverter MakeClock()
    {
        var pairs = new List<ClockPair>(_clocks) { file.Header.Start };
        if (file.Header.End is { } end)
        {
            pairs.Add(end);
        }

        _ = double.TryParse(_options.GetValueOrDefault("tsc_hz"), CultureInfo.InvariantCulture, out double frequency);
        return new ClockConverter(file.Header.IsTsc, pairs, frequency);
    }

    private void ReadRecords(Span<byte> block, long offset)
    {
        if (block.Length < sizeof(BlockHeader))
        {
            return;
        }

        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block);
        if (header.Used > file.Header.BlockSize || header.Used < sizeof(BlockHeader))
        {
            file.AddDamage(offset + 32, $"a block of information uses {header.Used} bytes");
            return;
        }

        int end = (int)header.Used;
        int position = sizeof(BlockHeader);
        while (position + RecordHeader <= end)
        {
            if (position + RecordHeader > block.Length)
            {
                return; // the last block is cut off
            }

            uint size = U32(block[position..], 0);
            if (size < RecordHeader || size % 8 != 0 || size > end - position)
            {
                file.AddDamage(offset + position, $"a record of information has {size} bytes");
                return;
            }

            if (position + (int)size > block.Length)
            {
                return;
            }

            ReadOnlySpan<byte> record = block.Slice(position, (int)size);
            if (!ReadRecord(U32(record, 4), record[RecordHeader..], offset + position + RecordHeader))
            {
                file.AddDamage(offset + position, $"a record of information of kind {U32(record, 4)} is longer than its {size} bytes");
            }

            position += (int)size;
        }
    }

    /// <summary>False: something does not fit into the record.</summary>
    private bool ReadRecord(uint kind, ReadOnlySpan<byte> fields, long offset)
    {
        switch (kind)
        {
            case 1: return ReadProcess(fields);
            case 2: return ReadClock(fields);
            case 3: return ReadObject(fields);
            case 4: return ReadObjectClosed(fields);
            case 5 or 11: return ReadSymbols(fields, offset);
            case 6: return ReadThread(fields);
            case 7: return ReadThreadEnded(fields);
            case 8: return ReadOptions(fields);
            case 9: return ReadLost(fields);
            case 10: return ReadSnapshot(fields);
            default: return true; // of a later version
        }
    }

    private bool ReadProcess(ReadOnlySpan<byte> fields)
    {
        if (fields.Length < 32)
        {
            return false;
        }

        int position = 32;
        if (!TryText(fields, ref position, U32(fields, 16), out string executable)
            || !TryBytes(fields, ref position, U32(fields, 20), out ReadOnlySpan<byte> arguments)
            || !TryText(fields, ref position, U32(fields, 24), out string directory)
            || !TryText(fields, ref position, U32(fields, 28), out string host))
        {
            return false;
        }

        Process = new TraceProcess
        {
            Id = (int)U32(fields, 0),
            ParentId = (int)U32(fields, 4),
            Time = U64(fields, 8),
            Executable = executable,
            Arguments = SplitArguments(arguments),
            WorkingDirectory = directory,
            HostName = host,
        };
        return true;
    }

    private static List<string> SplitArguments(ReadOnlySpan<byte> bytes)
    {
        var arguments = new List<string>();
        while (!bytes.IsEmpty)
        {
            int length = bytes.IndexOf((byte)0);
            length = length < 0 ? bytes.Length : length;
            arguments.Add(Encoding.UTF8.GetString(bytes[..length]));
            bytes = bytes[Math.Min(length + 1, bytes.Length)..];
        }

        return arguments;
    }

    private bool ReadClock(ReadOnlySpan<byte> fields)
    {
        if (fields.Length < 24)
        {
            return false;
        }

        if (_clocks.Count < MaxClocks)
        {
            _clocks.Add(new ClockPair(U64(fields, 0), U64(fields, 8), U64(fields, 16)));
        }

        return true;
    }

    private bool ReadObject(ReadOnlySpan<byte> fields)
    {
        int position = 48;
        if (fields.Length < position
            || !TryBytes(fields, ref position, U32(fields, 40), out ReadOnlySpan<byte> buildId)
            || !TryText(fields, ref position, U32(fields, 44), out string path))
        {
            return false;
        }

        if (_objects.Count == MaxObjects)
        {
            return false;
        }

        var target = new TraceObject
        {
            Index = _objects.Count,
            Number = U32(fields, 0),
            OpenTime = U64(fields, 8),
            Start = U64(fields, 16),
            End = U64(fields, 24),
            LoadAddress = U64(fields, 32),
            BuildId = buildId.ToArray(),
            Path = path,
        };
        _objects.Add(target);
        _objectsByNumber[target.Number] = target;
        return true;
    }

    private bool ReadObjectClosed(ReadOnlySpan<byte> fields)
    {
        if (fields.Length < 16)
        {
            return false;
        }

        if (_objectsByNumber.TryGetValue(U32(fields, 0), out TraceObject? target))
        {
            target.CloseTime = U64(fields, 8);
        }

        return true;
    }

    private bool ReadSymbols(ReadOnlySpan<byte> fields, long offset)
    {
        const int Header = 16;

        if (fields.Length < 8)
        {
            return false;
        }

        _objectsByNumber.TryGetValue(U32(fields, 0), out TraceObject? target);
        int position = 8;
        for (uint i = 0; i < U32(fields, 4); i++)
        {
            if (fields.Length - position < Header)
            {
                return false;
            }

            ulong address = U64(fields, position);
            uint size = U32(fields, position + 8);
            uint length = U32(fields, position + 12);
            position += Header;
            if (length > fields.Length - position)
            {
                return false;
            }

            if (target != null && _symbolCount < MaxSymbols)
            {
                target.Symbols.Add(new SymbolEntry(address, offset + position, (int)length, size));
                _symbolCount++;
            }

            position = (int)Math.Min((position + length + 7) & ~7L, fields.Length);
        }

        return true;
    }

    private bool ReadThread(ReadOnlySpan<byte> fields)
    {
        int position = 24;
        if (fields.Length < position || !TryText(fields, ref position, U32(fields, 16), out string name))
        {
            return false;
        }

        TraceThread thread = file.ThreadOf(U32(fields, 0), (int)U32(fields, 4));
        thread.Id = (int)U32(fields, 4);
        thread.StartTime ??= U64(fields, 8);
        thread.Name = name.Length != 0 ? name : thread.Name; // blocks are in order: the last name counts
        return true;
    }

    private bool ReadThreadEnded(ReadOnlySpan<byte> fields)
    {
        if (fields.Length < 16)
        {
            return false;
        }

        file.ThreadOf(U32(fields, 0), 0).EndTime = U64(fields, 8);
        return true;
    }

    private bool ReadOptions(ReadOnlySpan<byte> fields)
    {
        int position = 8;
        if (fields.Length < position || !TryText(fields, ref position, U32(fields, 0), out string text))
        {
            return false;
        }

        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = line.IndexOf('=');
            if (equals > 0 && _options.Count < MaxOptions)
            {
                _options[line[..equals]] = line[(equals + 1)..];
            }
        }

        return true;
    }

    private bool ReadLost(ReadOnlySpan<byte> fields)
    {
        const uint NoBuffer = 1;

        if (fields.Length < 16)
        {
            return false;
        }

        ulong units = U64(fields, 8);
        if (U32(fields, 4) == NoBuffer)
        {
            LostWithoutBuffer += units;
        }
        else
        {
            file.ThreadOf(U32(fields, 0), 0).LostInRecords += units;
        }

        return true;
    }

    private bool ReadSnapshot(ReadOnlySpan<byte> fields)
    {
        int position = 16;
        if (fields.Length < position || !TryText(fields, ref position, U32(fields, 8), out string cause))
        {
            return false;
        }

        if (_snapshots.Count < MaxSnapshots)
        {
            _snapshots.Add(new TraceSnapshot(U64(fields, 0), cause));
        }

        return true;
    }

    private static bool TryText(ReadOnlySpan<byte> fields, ref int position, uint length, out string text)
    {
        bool fits = TryBytes(fields, ref position, length, out ReadOnlySpan<byte> bytes);
        text = fits ? Encoding.UTF8.GetString(bytes) : "";
        return fits;
    }

    private static bool TryBytes(ReadOnlySpan<byte> fields, ref int position, uint length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > fields.Length - position)
        {
            return false;
        }

        bytes = fields.Slice(position, (int)length);
        position += (int)length;
        return true;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
