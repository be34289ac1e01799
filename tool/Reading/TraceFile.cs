using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ftrace.Tool.Reading;

/// <summary>
/// A trace file. <see cref="Open"/> reads the headers of all blocks and the information; events are read by
/// <see cref="ReadThread"/> and <see cref="ReadMerged()"/>, a block at a time.
/// </summary>
/// <remarks>The file may be written at the same time, be cut off, or be damaged: what follows the format is read, and the rest is in <see cref="Damages"/>.</remarks>
internal sealed unsafe class TraceFile : IDisposable
{
    private const int HeaderSize = 128;
    private const int UnitSize = 16;
    private const int MinBlockSize = 4096;
    private const int MaxBlockSize = 1 << 20;

    /// <summary>A damaged file can have one in each block.</summary>
    private const int MaxDamages = 100;

    private readonly SafeFileHandle _handle;
    private readonly List<TraceThread> _threads = [];
    private readonly Dictionary<uint, TraceThread> _threadsByNumber = [];
    private readonly List<TraceDamage> _damages = [];

    private TraceFile(string path, SafeFileHandle handle, TraceHeader header)
    {
        Path = path;
        _handle = handle;
        Header = header;
        Information = new TraceInformation(this);
        Clock = new ClockConverter(header.IsTsc, [header.Start], 0);
    }

    public string Path { get; }

    public TraceHeader Header { get; }

    public TraceProcess Process => Information.Process;

    /// <summary>By the time of their first event.</summary>
    public IReadOnlyList<TraceThread> Threads => _threads;

    /// <summary>In the order in which they were opened.</summary>
    public IReadOnlyList<TraceObject> Objects => Information.Objects;

    public IReadOnlyDictionary<string, string> Options => Information.Options;

    public IReadOnlyList<TraceSnapshot> Snapshots => Information.Snapshots;

    public ClockConverter Clock { get; private set; }

    /// <summary>Functions and their names.</summary>
    public Symbols Symbols { get; private set; } = null!;

    /// <summary>Units that were lost in all threads, those without a buffer included.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Where the file does not follow the format. Reading events can add some.</summary>
    public IReadOnlyList<TraceDamage> Damages => _damages;

    /// <summary>Of all, whatever <see cref="Damages"/> keeps.</summary>
    public long DamageCount { get; private set; }

    /// <summary>Called for each block of events that is read.</summary>
    public Action? BlockRead { get; set; }

    private TraceInformation Information { get; }

    /// <summary>Opens a file and reads everything except the events.</summary>
    /// <exception cref="TraceFileException">It is not a trace file, or cannot be read at all.</exception>
    public static TraceFile Open(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TraceFileException(e is FileNotFoundException or DirectoryNotFoundException
                ? $"{path}: no such file; record one with: ftrace record PROGRAM"
                : $"{path}: cannot be opened: {e.Message}");
        }

        try
        {
            var file = new TraceFile(path, handle, ReadHeader(path, handle));
            file.ReadIndex();
            return file;
        }
        catch (Exception e)
        {
            handle.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                throw new TraceFileException($"{path}: cannot be read: {e.Message}");
            }

            throw;
        }
    }

    /// <summary>Reads the events of one thread, in the order of time.</summary>
    public ThreadEvents ReadThread(TraceThread thread) => new(this, thread);

    /// <summary>Reads the events of all threads, merged by time.</summary>
    public MergedEvents ReadMerged() => new(this, [.. _threads]);

    /// <summary>Reads the events of some threads, merged by time.</summary>
    public MergedEvents ReadMerged(IEnumerable<TraceThread> threads) => new(this, [.. threads]);

    public void Dispose() => _handle.Dispose();

    /// <summary>Notes that the file does not follow the format.</summary>
    internal void AddDamage(long offset, string reason)
    {
        DamageCount++;
        if (_damages.Count < MaxDamages)
        {
            _damages.Add(new TraceDamage(offset, reason));
        }
    }

    /// <summary>Reads up to so many bytes. Returns how many there are.</summary>
    internal int Read(long offset, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length)
        {
            int count = RandomAccess.Read(_handle, to[done..], offset + done);
            if (count == 0)
            {
                break;
            }

            done += count;
        }

        return done;
    }

    /// <summary>Reads a block of events. Returns its length; 0: the place has another block now, or none.</summary>
    internal int ReadBlock(BlockEntry entry, TraceThread thread, byte* to)
    {
        BlockRead?.Invoke();
        long offset = (long)entry.Block * Header.BlockSize;
        int length;
        try
        {
            length = Read(offset, new Span<byte>(to, Header.BlockSize));
        }
        catch (IOException e)
        {
            AddDamage(offset, $"cannot be read: {e.Message}");
            return 0;
        }

        var header = (BlockHeader*)to;
        bool isSame = length >= sizeof(BlockHeader) && header->Magic == BlockHeader.Ftbk && header->Type == BlockHeader.Events
            && header->Sequence == entry.Sequence && header->Thread == thread.Number;
        return isSame ? length : 0;
    }

    /// <summary>The thread with this number in the file.</summary>
    internal TraceThread ThreadOf(uint number, int id)
    {
        ref TraceThread? thread = ref CollectionsMarshal.GetValueRefOrAddDefault(_threadsByNumber, number, out bool exists);
        if (!exists)
        {
            thread = new TraceThread { Index = -1, Number = number, Id = id };
        }

        return thread!;
    }

    private static TraceHeader ReadHeader(string path, SafeFileHandle handle)
    {
        Span<byte> bytes = stackalloc byte[HeaderSize];
        int length = 0;
        try
        {
            length = RandomAccess.Read(handle, bytes, 0);
        }
        catch (NotSupportedException)
        {
            throw new TraceFileException($"{path}: is not a file that can be read at any place");
        }

        if (length < 8 || !bytes.StartsWith("FTRACE\r\n"u8))
        {
            throw new TraceFileException($"{path}: is not a trace file");
        }

        if (length < HeaderSize)
        {
            throw new TraceFileException($"{path}: ends in its header, at offset {length}");
        }

        uint version = U32(bytes, 8);
        if (U32(bytes, 12) != 0x01020304)
        {
            throw new TraceFileException($"{path}: has another byte order than this machine");
        }

        if (version != TraceHeader.KnownVersion)
        {
            string remedy = version > TraceHeader.KnownVersion ? "; use a newer ftrace" : "";
            throw new TraceFileException($"{path}: has version {version} of the format, and this ftrace reads version {TraceHeader.KnownVersion}{remedy}");
        }

        uint blockSize = U32(bytes, 16);
        if (blockSize < MinBlockSize || blockSize > MaxBlockSize || (blockSize & (blockSize - 1)) != 0)
        {
            throw new TraceFileException($"{path}: damaged at offset 16: {blockSize} is not a size of blocks");
        }

        uint library = U32(bytes, 96);
        ClockPair end = Pair(bytes, 64);
        return new TraceHeader
        {
            BlockSize = (int)blockSize,
            IsTsc = (U32(bytes, 20) & 1) != 0,
            IsStreamed = (U32(bytes, 20) & 2) != 0,
            BlockCount = U64(bytes, 24),
            ProcessId = (int)U32(bytes, 32),
            State = (TraceState)U32(bytes, 36),
            Start = Pair(bytes, 40),
            End = end.Time == 0 ? null : end,
            LostWithoutBuffer = U64(bytes, 88),
            LibraryVersion = new Version((int)(library >> 16), (int)(library >> 8 & 255), (int)(library & 255)),
        };
    }

    private void ReadIndex()
    {
        Span<byte> bytes = stackalloc byte[sizeof(BlockHeader) + 8];
        var information = new List<BlockEntry>();
        long length = RandomAccess.GetLength(_handle);
        ulong count = Math.Min((ulong)length / (ulong)Header.BlockSize + 1, uint.MaxValue);
        if (Header.BlockCount != 0)
        {
            count = Math.Min(count, Header.BlockCount);
        }

        for (uint block = 1; block < count; block++)
        {
            long offset = (long)block * Header.BlockSize;
            int got = Read(offset, bytes);
            if (got < sizeof(BlockHeader))
            {
                break; // cut off
            }

            ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(bytes);
            if (header.Magic != BlockHeader.Ftbk)
            {
                if (header.Magic != 0)
                {
                    AddDamage(offset, "there is no header of a block");
                }

                continue;
            }

            if (header.Sequence == 0)
            {
                continue;
            }

            switch (header.Type)
            {
                case BlockHeader.Events:
                    ulong first = got == bytes.Length ? U64(bytes, sizeof(BlockHeader)) : 0;
                    AddBlock(in header, block, first);
                    break;
                case BlockHeader.Information:
                    information.Add(new BlockEntry(header.Sequence, block));
                    break;
                default:
                    AddDamage(offset, $"a block has the unknown type {header.Type}");
                    break;
            }
        }

        information.Sort();
        Information.Read(information);
        foreach (TraceThread thread in _threadsByNumber.Values)
        {
            FinishThread(thread);
            Lost += thread.Lost;
        }

        _threads.Sort((a, b) => a.FirstTime != b.FirstTime ? a.FirstTime.CompareTo(b.FirstTime) : a.Number.CompareTo(b.Number));
        for (int i = 0; i < _threads.Count; i++)
        {
            _threads[i].Index = i;
        }

        Lost += Math.Max(Header.LostWithoutBuffer, Information.LostWithoutBuffer);
        Clock = Information.MakeClock();
        Symbols = new Symbols(this);
    }

    private void AddBlock(in BlockHeader header, uint block, ulong first)
    {
        TraceThread thread = ThreadOf(header.Thread, (int)header.ThreadId);
        thread.Blocks.Add(new BlockEntry(header.Sequence, block));
        thread.LostInHeaders = Math.Max(thread.LostInHeaders, header.Lost);
        thread.FirstOfAll = header.First;
        if (header.Sequence < thread.FirstSequence)
        {
            thread.FirstSequence = header.Sequence;
            bool isWritten = (first & 15) == BlockHeader.TagOf(header.Sequence);
            thread.FirstTime = isWritten ? first >> 4 : 0;
        }
    }

    /// <summary>Sorts the blocks of a thread, and finds those that are missing, or there twice.</summary>
    private void FinishThread(TraceThread thread)
    {
        List<BlockEntry> blocks = thread.Blocks;
        thread.Lost = Math.Max(thread.LostInHeaders, thread.LostInRecords);
        _threads.Add(thread);
        if (blocks.Count == 0)
        {
            return;
        }

        blocks.Sort();

        // Of a file that was streamed, what is missing is counted; if it does not say where the thread began, only if it was finished.
        bool isKnown = thread.FirstOfAll != 0 && thread.FirstOfAll <= blocks[0].Sequence;
        ulong first = isKnown ? thread.FirstOfAll : 1;
        bool isCounted = Header.IsStreamed && (isKnown || (Header.State == TraceState.Finished && thread.Lost == 0));
        thread.IsBeginningCut = blocks[0].Sequence > first && !isCounted;
        thread.FirstOfAll = isKnown ? first : blocks[0].Sequence;
        int kept = 1;
        for (int i = 1; i < blocks.Count; i++)
        {
            ulong distance = blocks[i].Sequence - blocks[kept - 1].Sequence;
            if (distance == 0 && Header.IsStreamed)
            {
                // The one in the buffer, and its copy.
                bool isBetter = CountUnits(blocks[i], thread) > CountUnits(blocks[kept - 1], thread);
                blocks[kept - 1] = isBetter ? blocks[i] : blocks[kept - 1];
                continue;
            }

            if (distance == 0)
            {
                AddDamage((long)blocks[i].Block * Header.BlockSize, $"block {blocks[i].Sequence} of thread {thread.Number} is there twice");
                continue;
            }

            thread.MissingBlocks += distance - 1;
            blocks[kept++] = blocks[i];
        }

        blocks.RemoveRange(kept, blocks.Count - kept);
        if (Header.IsStreamed && (thread.MissingBlocks != 0 || blocks[0].Sequence != thread.FirstOfAll))
        {
            thread.Lost = Math.Max(thread.Lost, CountMissing(thread));
            thread.MissingBlocks = 0; // they are counted
        }
    }

    /// <summary>Units that a thread has lost, by the blocks that are missing too: a process that was killed, or has ended, may not have counted the last ones.</summary>
    private ulong CountMissing(TraceThread thread)
    {
        Span<byte> bytes = stackalloc byte[sizeof(BlockHeader)];
        ulong units = (ulong)(Header.BlockSize - sizeof(BlockHeader)) / UnitSize;
        ulong next = thread.FirstOfAll;
        ulong lost = 0;
        foreach (BlockEntry entry in thread.Blocks)
        {
            if (Read((long)entry.Block * Header.BlockSize, bytes) == bytes.Length)
            {
                ulong counted = MemoryMarshal.AsRef<BlockHeader>(bytes).Lost;
                lost = Math.Max(lost + (entry.Sequence - next) * units, counted);
            }

            next = entry.Sequence + 1;
        }

        return lost;
    }

    /// <summary>How many units of a block were written.</summary>
    private int CountUnits(BlockEntry entry, TraceThread thread)
    {
        int written = 0;
        ulong tag = BlockHeader.TagOf(entry.Sequence);
        fixed (byte* block = new byte[Header.BlockSize])
        {
            int length = ReadBlock(entry, thread, block);
            for (int at = sizeof(BlockHeader); at + UnitSize <= length; at += UnitSize)
            {
                written += (block[at] & 15) == (int)tag ? 1 : 0;
            }
        }

        return written;
    }

    private static ClockPair Pair(ReadOnlySpan<byte> bytes, int offset) => new(U64(bytes, offset), U64(bytes, offset + 8), U64(bytes, offset + 16));

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
