using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Ftrace.Tests.Elf;

/// <summary>
/// What a compiler for x86-64 Linux leaves: sections, symbols, relocations. Source: System V ABI, chapters 4 and 5.
/// Whatever does not fit into the file is an <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class ElfObject
{
    private const int HeaderSize = 64;
    private const int SectionSize = 64;
    private const int SymbolSize = 24;
    private const int RelocationSize = 24;
    private const ushort Relocatable = 1;
    private const ushort X86X64 = 62;

    private readonly byte[] _file;
    private readonly List<ElfSection> _sections = [];
    private readonly List<ElfSymbol> _symbols = [];

    public ElfObject(byte[] file)
    {
        _file = file;
        ReadOnlySpan<byte> header = Slice(0, HeaderSize);
        if (!header[..4].SequenceEqual("\u007fELF"u8) || header[4] != 2 || header[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        if (U16(header, 16) != Relocatable || U16(header, 18) != X86X64)
        {
            throw new InvalidDataException("not an object file for x86-64");
        }

        ReadSections(U64(header, 40), U16(header, 58), U16(header, 60), U16(header, 62));
        foreach (ElfSection section in _sections)
        {
            if (section.Type == ElfSection.SymbolTable)
            {
                ReadSymbols(section);
            }
        }
    }

    public IReadOnlyList<ElfSection> Sections => _sections;

    public IReadOnlyList<ElfSymbol> Symbols => _symbols;

    /// <summary>A section's content.</summary>
    public byte[] Content(int section) => Slice(_sections[section].Offset, _sections[section].Size).ToArray();

    /// <summary>What the linker has to fill in in a section, by offset.</summary>
    public List<ElfRelocation> Relocations(int section)
    {
        var relocations = new List<ElfRelocation>();
        ulong size = _sections[section].Size;
        foreach (ElfSection table in _sections)
        {
            if (table.Type != ElfSection.RelocationsWithAddend || table.Info != section)
            {
                continue;
            }

            for (ulong at = 0; at + RelocationSize <= table.Size; at += RelocationSize)
            {
                ReadOnlySpan<byte> entry = Slice(table.Offset + at, RelocationSize);
                ulong offset = U64(entry, 0);
                ulong info = U64(entry, 8);
                if (offset >= size || info >> 32 >= (ulong)_symbols.Count)
                {
                    throw new InvalidDataException($"{table.Name}: relocation {at / RelocationSize} is outside of its section or names no symbol");
                }

                relocations.Add(new ElfRelocation(offset, (uint)info, _symbols[(int)(info >> 32)], (long)U64(entry, 16)));
            }
        }

        return [.. relocations.OrderBy(relocation => relocation.Offset)];
    }

    private void ReadSections(ulong offset, ushort entrySize, ushort count, ushort names)
    {
        if (entrySize != SectionSize || names >= count)
        {
            throw new InvalidDataException("the section headers have another size, or no names");
        }

        ReadOnlySpan<byte> table = Slice(offset, (ulong)count * SectionSize);
        ReadOnlySpan<byte> nameSection = table[(names * SectionSize)..];
        ReadOnlySpan<byte> strings = Slice(U64(nameSection, 24), U64(nameSection, 32));
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = table.Slice(i * SectionSize, SectionSize);
            var section = new ElfSection(
                Name(strings, U32(entry, 0)), U32(entry, 4), U64(entry, 8), U64(entry, 24), U64(entry, 32), U32(entry, 40), U32(entry, 44), U64(entry, 56));
            if (section.Type != ElfSection.NoBits)
            {
                Slice(section.Offset, section.Size);
            }

            _sections.Add(section);
        }
    }

    private void ReadSymbols(ElfSection table)
    {
        if (_symbols.Count != 0 || table.EntrySize != SymbolSize || table.Link >= (uint)_sections.Count)
        {
            throw new InvalidDataException("the symbol table is not the only one, has other entries, or no names");
        }

        ReadOnlySpan<byte> strings = Slice(_sections[(int)table.Link].Offset, _sections[(int)table.Link].Size);
        for (ulong at = 0; at + SymbolSize <= table.Size; at += SymbolSize)
        {
            ReadOnlySpan<byte> entry = Slice(table.Offset + at, SymbolSize);
            _symbols.Add(new ElfSymbol(Name(strings, U32(entry, 0)), (byte)(entry[4] & 15), U16(entry, 6), U64(entry, 8), U64(entry, 16)));
        }
    }

    private ReadOnlySpan<byte> Slice(ulong offset, ulong size)
    {
        if (offset > (ulong)_file.Length || size > (ulong)_file.Length - offset)
        {
            throw new InvalidDataException($"{size} bytes at {offset} are not in the file");
        }

        return _file.AsSpan((int)offset, (int)size);
    }

    private static string Name(ReadOnlySpan<byte> strings, uint offset)
    {
        int length = offset < strings.Length ? strings[(int)offset..].IndexOf((byte)0) : -1;
        return length >= 0 ? Encoding.UTF8.GetString(strings.Slice((int)offset, length)) : throw new InvalidDataException("a name that does not end");
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
