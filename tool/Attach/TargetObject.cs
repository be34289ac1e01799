using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>
/// The dynamic symbols of an object in another process, from its memory alone: the file may have been replaced. Source: System V ABI,
/// chapter 5; the hash table is the GNU one.
/// </summary>
internal sealed class TargetObject
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int DynamicSize = 16;
    private const int SymbolSize = 24;
    private const int MostHeaders = 64;
    private const int MostEntries = 512;
    private const int LongestChain = 4096;

    private const uint TypeLoad = 1;
    private const uint TypeDynamic = 2;
    private const long TagStrings = 5;
    private const long TagSymbols = 6;
    private const long TagVersions = 0x6ffffff0;
    private const long TagHash = 0x6ffffef5;
    private const int TypeVariable = 1;
    private const int TypeFunction = 2;
    private const ushort HiddenVersion = 0x8000;

    private readonly ITargetMemory _memory;
    private readonly ulong _bias;
    private readonly ulong _strings;
    private readonly ulong _symbols;
    private readonly ulong _versions;
    private readonly ulong _hash;

    /// <param name="memory">Of the process.</param>
    /// <param name="start">Where the first page of the object's file is mapped.</param>
    public TargetObject(ITargetMemory memory, ulong start)
    {
        _memory = memory;
        Span<byte> header = stackalloc byte[HeaderSize];
        ReadOnlySpan<byte> elf64 = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1];
        if (!memory.TryRead(start, header) || !header.StartsWith(elf64))
        {
            return;
        }

        ulong table = start + BitConverter.ToUInt64(header[32..]);
        int count = Math.Min((int)BitConverter.ToUInt16(header[56..]), MostHeaders);
        Span<byte> headers = stackalloc byte[MostHeaders * ProgramHeaderSize];
        headers = headers[..(count * ProgramHeaderSize)];
        if (!memory.TryRead(table, headers))
        {
            return;
        }

        ulong dynamic = 0;
        int entryCount = 0;
        bool hasFirst = false;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = headers[(i * ProgramHeaderSize)..];
            uint type = BitConverter.ToUInt32(entry);
            ulong address = BitConverter.ToUInt64(entry[16..]);
            if (type == TypeLoad && !hasFirst)
            {
                hasFirst = true;
                _bias = start - (address & ~0xffful);
            }

            if (type == TypeDynamic)
            {
                dynamic = address;
                entryCount = (int)Math.Min(BitConverter.ToUInt64(entry[40..]) / DynamicSize, MostEntries);
            }
        }

        // All of them at once: a thread may be standing still meanwhile.
        Span<ulong> entries = stackalloc ulong[2 * MostEntries];
        entries = entries[..(2 * entryCount)];
        if (dynamic == 0 || !memory.TryRead(_bias + dynamic, MemoryMarshal.AsBytes(entries)))
        {
            return;
        }

        for (int i = 0; i < entries.Length && entries[i] != 0; i += 2)
        {
            // As in the file, or relocated by the loader.
            ulong address = entries[i + 1] < _bias ? _bias + entries[i + 1] : entries[i + 1];
            switch ((long)entries[i])
            {
                case TagStrings:
                    _strings = address;
                    break;
                case TagSymbols:
                    _symbols = address;
                    break;
                case TagVersions:
                    _versions = address;
                    break;
                case TagHash:
                    _hash = address;
                    break;
            }
        }
    }

    /// <summary>The address of a function that the object defines, in its newest version; 0: there is none.</summary>
    public ulong Find(string name) => Find(name, TypeFunction);

    /// <summary>The same of a variable.</summary>
    public ulong FindVariable(string name) => Find(name, TypeVariable);

    private ulong Find(string name, int type)
    {
        // Words: number of buckets, first symbol in them, words of the Bloom filter and a shift; the filter; the buckets; a hash for
        // each symbol, whose lowest bit marks the last one of a bucket.
        Span<uint> table = stackalloc uint[4];
        if (_strings == 0 || _symbols == 0 || _hash == 0 || !_memory.TryRead(_hash, MemoryMarshal.AsBytes(table)) || table[0] == 0)
        {
            return 0;
        }

        uint bucketCount = table[0];
        uint first = table[1];

        byte[] wanted = Encoding.UTF8.GetBytes(name + "\0");
        uint hash = 5381;
        foreach (byte c in wanted.AsSpan(0, wanted.Length - 1))
        {
            hash = hash * 33 + c;
        }

        ulong buckets = _hash + 16 + 8ul * table[2];
        ulong chains = buckets + 4ul * bucketCount;
        if (!_memory.TryRead(buckets + 4ul * (hash % bucketCount), out uint index) || index < first)
        {
            return 0;
        }

        ulong found = 0;
        for (int i = 0; i < LongestChain && _memory.TryRead(chains + 4ul * (index - first), out uint word); i++, index++)
        {
            if ((word | 1) == (hash | 1) && TryMatch(index, wanted, type, out ulong address, out bool isHidden))
            {
                if (!isHidden)
                {
                    return address;
                }

                found = address;
            }

            if ((word & 1) != 0)
            {
                break;
            }
        }

        return found;
    }

    private bool TryMatch(uint index, ReadOnlySpan<byte> wanted, int type, out ulong address, out bool isHidden)
    {
        address = 0;
        isHidden = false;
        Span<byte> symbol = stackalloc byte[SymbolSize];
        Span<byte> name = stackalloc byte[wanted.Length];
        if (!_memory.TryRead(_symbols + index * (ulong)SymbolSize, symbol) || (symbol[4] & 15) != type || BitConverter.ToUInt16(symbol[6..]) == 0
            || !_memory.TryRead(_strings + BitConverter.ToUInt32(symbol), name) || !name.SequenceEqual(wanted))
        {
            return false;
        }

        address = _bias + BitConverter.ToUInt64(symbol[8..]);
        isHidden = _versions != 0 && _memory.TryRead(_versions + 2ul * index, out ushort version) && (version & HiddenVersion) != 0;
        return true;
    }
}
