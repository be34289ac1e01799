using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Ftrace.Tests.Tool;

/// <summary>Writes a trace file as docs/trace-format.md describes it, in memory.</summary>
/// <remarks>
/// A thread's events go into its last block, until that is full or <see cref="NextBlock"/> is called. By default times are nanoseconds.
/// </remarks>
internal sealed class TraceFileBuilder
{
    public const int BlockHeader = 64;
    public const int Unit = 16;
    private const int FileHeader = 128;

    private readonly List<byte[]> _blocks = [];
    private readonly Dictionary<uint, ThreadState> _threads = [];
    private byte[]? _information;
    private int _used;
    private ulong _informationSequence;

    public int BlockSize { get; init; } = 4096;

    public uint Version { get; set; } = 1;

    public uint Flags { get; set; }

    public uint ProcessId { get; set; } = 1000;

    public uint State { get; set; } = 2;

    public ulong[] Start { get; set; } = [0, 0, 0];

    public ulong[] End { get; set; } = [0, 0, 0];

    public ulong LostWithoutBuffer { get; set; }

    /// <summary>In the header; null: the right one.</summary>
    public ulong? BlockCount { get; set; }

    /// <summary>Blocks so far, without the first.</summary>
    public IReadOnlyList<byte[]> Blocks => _blocks;

    /// <summary>Begins a thread, with the sequence number of its first block.</summary>
    public TraceFileBuilder Thread(uint number, uint id, ulong firstSequence = 1)
    {
        _threads.Add(number, new ThreadState { Id = id, Sequence = firstSequence - 1 });
        return this;
    }

    public TraceFileBuilder Entry(uint thread, ulong time, ushort call, ulong address) => Put(thread, time, call | address << 16);

    public TraceFileBuilder Exit(uint thread, ulong time, ushort call, ulong address) => Put(thread, time, call | address << 16 | 1UL << 63);

    /// <summary>The end of a call without a return: 1 tail, 2 unwound.</summary>
    public TraceFileBuilder EndOfCall(uint thread, ulong time, ushort call, ulong address, ushort flags)
    {
        byte[] data = new byte[4];
        BitConverter.TryWriteBytes(data, call);
        BitConverter.TryWriteBytes(data.AsSpan(2), flags);
        return Event(thread, time, 2, address, data);
    }

    public TraceFileBuilder Mark(uint thread, ulong time, string text)
    {
        byte[] data = Encoding.UTF8.GetBytes(text);
        return Event(thread, time, 3, (ulong)data.Length, data);
    }

    public TraceFileBuilder Sample(uint thread, ulong time, ulong address, ulong[] frames, ulong[] calls)
    {
        byte[] data = new byte[4 + (frames.Length + calls.Length) * 6];
        data[0] = (byte)frames.Length;
        data[1] = (byte)calls.Length;
        int position = 4;
        foreach (ulong[] addresses in (ulong[][])[frames, calls])
        {
            foreach (ulong a in addresses)
            {
                BitConverter.GetBytes(a).AsSpan(0, 6).CopyTo(data.AsSpan(position));
                position += 6;
            }
        }

        return Event(thread, time, 4, address, data);
    }

    public TraceFileBuilder FunctionEntry(uint thread, ulong time, ulong address, ulong returnAddress) =>
        Event(thread, time, 5, address, BitConverter.GetBytes(returnAddress)[..6]);

    public TraceFileBuilder Lost(uint thread, ulong time, ulong units) => Event(thread, time, 6, units, []);

    public TraceFileBuilder Switched(uint thread, ulong time, bool on) => Event(thread, time, 7, on ? 1UL : 0, []);

    /// <summary>An event of any kind, which need not exist.</summary>
    public TraceFileBuilder Event(uint thread, ulong time, int kind, ulong argument, ReadOnlySpan<byte> data)
    {
        int count = (data.Length + 14) / 15;
        ThreadState state = Room(thread, count + 1);
        byte tag = state.Tag;
        Put(thread, time, (ulong)kind << 4 | (ulong)count << 8 | argument << 16);
        for (int i = 0; i < count; i++)
        {
            Span<byte> unit = state.Block.AsSpan(state.Position, Unit);
            unit[0] = tag;
            data[(i * 15)..Math.Min((i + 1) * 15, data.Length)].CopyTo(unit[1..]);
            state.Position += Unit;
        }

        return this;
    }

    /// <summary>A unit that was reserved, and not written.</summary>
    public TraceFileBuilder Torn(uint thread)
    {
        ThreadState state = Room(thread, 1);
        state.Block.AsSpan(state.Position, Unit).Fill((byte)((state.Tag + 7) % 13 + 1));
        state.Position += Unit;
        return this;
    }

    /// <summary>A unit with the right tag.</summary>
    public TraceFileBuilder Put(uint thread, ulong time, ulong second)
    {
        ThreadState state = Room(thread, 1);
        BitConverter.TryWriteBytes(state.Block.AsSpan(state.Position), time << 4 | state.Tag);
        BitConverter.TryWriteBytes(state.Block.AsSpan(state.Position + 8), second);
        state.Position += Unit;
        return this;
    }

    /// <summary>The sequence number that headers of events give for the thread's first block; 0: an older library's.</summary>
    public ulong First { get; set; }

    /// <summary>Ends the block of a thread.</summary>
    /// <param name="thread">The thread's number.</param>
    /// <param name="lost">How many units are lost, in all, before the next one.</param>
    /// <param name="missing">How many blocks are left out.</param>
    public TraceFileBuilder NextBlock(uint thread, ulong lost = 0, ulong missing = 0)
    {
        ThreadState state = _threads[thread];
        state.Block = [];
        state.Position = 0;
        state.Lost = lost;
        state.Sequence += missing;
        return this;
    }

    public TraceFileBuilder Process(uint id, uint parent, ulong time, string path, string[] arguments, string directory, string host)
    {
        string joined = "";
        foreach (string argument in arguments)
        {
            joined += argument + "\0";
        }

        return Record(1, id, parent, time, Length(path), Length(joined), Length(directory), Length(host), path + joined + directory + host);
    }

    public TraceFileBuilder Clock(ulong time, ulong monotonic, ulong realtime, uint reason = 4) => Record(2, time, monotonic, realtime, reason, 0u);

    public TraceFileBuilder Object(uint number, ulong time, ulong start, ulong end, ulong loadAddress, string path, string buildId = "") =>
        Record(3, number, 0u, time, start, end, loadAddress, Length(buildId), Length(path), buildId + path);

    public TraceFileBuilder ObjectClosed(uint number, ulong time) => Record(4, number, 0u, time);

    public TraceFileBuilder Symbols(uint number, params (ulong Address, uint Size, string Name)[] symbols) => Symbols(5, number, symbols);

    public TraceFileBuilder UntracedSymbols(uint number, params (ulong Address, uint Size, string Name)[] symbols) => Symbols(11, number, symbols);

    public TraceFileBuilder ThreadName(uint thread, uint id, ulong time, string name) => Record(6, thread, id, time, Length(name), 0u, name);

    public TraceFileBuilder ThreadEnded(uint thread, ulong time) => Record(7, thread, 0u, time);

    public TraceFileBuilder Options(string text) => Record(8, Length(text), 0u, text);

    public TraceFileBuilder LostRecord(uint thread, uint reason, ulong units) => Record(9, thread, reason, units);

    public TraceFileBuilder Snapshot(ulong time, string cause) => Record(10, time, Length(cause), 0u, cause);

    /// <summary>A record of information: its fields, of type uint, ulong or string.</summary>
    public TraceFileBuilder Record(uint kind, params object[] fields)
    {
        var bytes = new MemoryStream();
        bytes.Write(new byte[8]);
        foreach (object field in fields)
        {
            bytes.Write(field switch
            {
                uint number => BitConverter.GetBytes(number),
                ulong number => BitConverter.GetBytes(number),
                string text => Encoding.UTF8.GetBytes(text),
                _ => throw new ArgumentException($"a field of type {field.GetType()}"),
            });
        }

        while (bytes.Length % 8 != 0)
        {
            bytes.WriteByte(0);
        }

        byte[] record = bytes.ToArray();
        BitConverter.TryWriteBytes(record, record.Length);
        BitConverter.TryWriteBytes(record.AsSpan(4), kind);
        return RawRecord(record);
    }

    /// <summary>A record with its header.</summary>
    public TraceFileBuilder RawRecord(byte[] record)
    {
        if (_information == null || _used + record.Length > BlockSize)
        {
            _information = NewBlock(2, ++_informationSequence, 0, 0, 0);
            _used = BlockHeader;
        }

        record.CopyTo(_information, _used);
        _used += record.Length;
        BitConverter.TryWriteBytes(_information.AsSpan(32), _used);
        return this;
    }

    /// <summary>A block that is not used.</summary>
    public TraceFileBuilder UnusedBlock()
    {
        _blocks.Add(new byte[BlockSize]);
        return this;
    }

    public byte[] ToArray()
    {
        var file = new MemoryStream();
        byte[] header = new byte[BlockSize];
        "FTRACE\r\n"u8.CopyTo(header);
        Write(header, 8, Version, 0x01020304u, (uint)BlockSize, Flags);
        BitConverter.TryWriteBytes(header.AsSpan(24), BlockCount ?? (ulong)_blocks.Count + 1);
        Write(header, 32, ProcessId, State);
        for (int i = 0; i < 3; i++)
        {
            BitConverter.TryWriteBytes(header.AsSpan(40 + i * 8), Start[i]);
            BitConverter.TryWriteBytes(header.AsSpan(64 + i * 8), End[i]);
        }

        BitConverter.TryWriteBytes(header.AsSpan(88), LostWithoutBuffer);
        Write(header, 96, 1u << 16);
        header.AsSpan(FileHeader).Fill(0xaa); // not part of the format
        file.Write(header);
        foreach (byte[] block in _blocks)
        {
            file.Write(block);
        }

        return file.ToArray();
    }

    /// <summary>Writes the file, and returns its path.</summary>
    public string Save(string path)
    {
        File.WriteAllBytes(path, ToArray());
        return path;
    }

    private static uint Length(string text) => (uint)Encoding.UTF8.GetByteCount(text);

    private static void Write(byte[] to, int offset, params uint[] words)
    {
        foreach (uint word in words)
        {
            BitConverter.TryWriteBytes(to.AsSpan(offset), word);
            offset += 4;
        }
    }

    private TraceFileBuilder Symbols(uint kind, uint number, (ulong Address, uint Size, string Name)[] symbols)
    {
        var fields = new List<object> { number, (uint)symbols.Length };
        foreach ((ulong address, uint size, string name) in symbols)
        {
            fields.AddRange([address, size, Length(name), name + new string('\0', -(int)Length(name) & 7)]);
        }

        return Record(kind, [.. fields]);
    }

    private ThreadState Room(uint thread, int units)
    {
        if (!_threads.TryGetValue(thread, out ThreadState? state))
        {
            Thread(thread, ProcessId + thread);
            state = _threads[thread];
        }

        if (state.Position + units * Unit > state.Block.Length)
        {
            state.Block = NewBlock(1, ++state.Sequence, thread, state.Id, state.Lost);
            state.Position = BlockHeader;
        }

        return state;
    }

    private byte[] NewBlock(ushort type, ulong sequence, uint thread, uint id, ulong lost)
    {
        byte[] block = new byte[BlockSize];
        "FTBK"u8.CopyTo(block);
        BitConverter.TryWriteBytes(block.AsSpan(4), type);
        BitConverter.TryWriteBytes(block.AsSpan(8), sequence);
        Write(block, 16, thread, id);
        BitConverter.TryWriteBytes(block.AsSpan(24), lost);
        BitConverter.TryWriteBytes(block.AsSpan(40), type == 1 ? First : 0);
        _blocks.Add(block);
        return block;
    }

    private sealed class ThreadState
    {
        public byte[] Block = [];
        public uint Id;
        public ulong Lost;
        public int Position;
        public ulong Sequence;

        public byte Tag => (byte)(Sequence % 13 + 1);
    }
}
