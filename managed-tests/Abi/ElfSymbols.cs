using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Ftrace.Tests.Abi;

/// <summary>
/// The dynamic symbols of a 64-bit little-endian ELF file, with their versions. Whatever the file says is
/// checked against its length; a broken file is an <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class ElfSymbols
{
    private const int SectionSize = 64;
    private const int SymbolSize = 24;
    private const uint DynamicSymbols = 11;
    private const uint VersionDefinitions = 0x6fff_fffd;
    private const uint VersionNumbers = 0x6fff_ffff;

    private readonly byte[] _file;

    private ElfSymbols(byte[] file) => _file = file;

    /// <summary>What a program can link with: defined, not local, not hidden.</summary>
    public static List<ElfSymbol> Exported(byte[] file) => new ElfSymbols(file).Read();

    private List<ElfSymbol> Read()
    {
        if (!At(0, 64)[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        ulong sections = U64(0x28);
        ushort count = U16(0x3c);
        ulong symbols = 0, numbers = 0, definitions = 0;
        for (uint i = 0; i < count; i++)
        {
            // Checked as a whole, so that no field of it can be out of reach.
            ulong section = Sum(sections, i * (ulong)SectionSize);
            _ = At(section, SectionSize);
            switch (U32(section + 4))
            {
                case DynamicSymbols:
                    symbols = section;
                    break;
                case VersionDefinitions:
                    definitions = section;
                    break;
                case VersionNumbers:
                    numbers = section;
                    break;
            }
        }

        if (symbols == 0)
        {
            throw new InvalidDataException("no dynamic symbols");
        }

        Dictionary<int, string> versions = definitions == 0 ? [] : Versions(definitions, sections, count);
        return Symbols(symbols, numbers, sections, count, versions);
    }

    private List<ElfSymbol> Symbols(ulong section, ulong numbers, ulong sections, ushort count, Dictionary<int, string> versions)
    {
        var exported = new List<ElfSymbol>();
        ulong start = U64(section + 0x18), strings = Strings(section, sections, count);
        ulong symbols = U64(section + 0x20) / SymbolSize;
        for (ulong i = 1; i < symbols; i++)
        {
            ulong symbol = Sum(start, i * SymbolSize);
            ReadOnlySpan<byte> entry = At(symbol, SymbolSize);
            int binding = entry[4] >> 4, visibility = entry[5] & 3;
            bool global = binding is 1 or 2 or 10;
            bool visible = visibility is 0 or 3;
            ushort place = U16(symbol + 6);
            if (place == 0 || !global || !visible)
            {
                continue;
            }

            // The upper bit says that the version is not the default one.
            int number = numbers == 0 ? 1 : U16(Sum(U64(numbers + 0x18), i * 2)) & 0x7fff;
            string version = number < 2 ? "" : versions.TryGetValue(number, out string? known) ? known : $"(unknown {number})";
            string name = Text(Sum(strings, U32(symbol)));

            // A version node is a symbol of its own, absolute, with the node's name.
            if (place != 0xfff1 || name != version)
            {
                exported.Add(new ElfSymbol(name, version, (SymbolKind)(entry[4] & 15), U64(symbol + 16)));
            }
        }

        return exported;
    }

    private Dictionary<int, string> Versions(ulong section, ulong sections, ushort count)
    {
        var versions = new Dictionary<int, string>();
        ulong strings = Strings(section, sections, count), at = U64(section + 0x18);
        for (uint left = U32(section + 0x2c); left != 0; left--)
        {
            ulong name = Sum(at, U32(Sum(at, 12)));
            versions[U16(Sum(at, 4))] = Text(Sum(strings, U32(name)));
            uint next = U32(Sum(at, 16));
            if (next == 0)
            {
                break;
            }

            at = Sum(at, next);
        }

        return versions;
    }

    private ulong Strings(ulong section, ulong sections, ushort count)
    {
        uint link = U32(section + 0x28);
        return link < count ? U64(Sum(sections, link * (ulong)SectionSize) + 0x18) : throw new InvalidDataException($"no section {link}");
    }

    private string Text(ulong offset)
    {
        _ = At(offset, 0);
        ReadOnlySpan<byte> rest = _file.AsSpan((int)offset);
        int end = rest.IndexOf((byte)0);
        return end >= 0 ? Encoding.UTF8.GetString(rest[..end]) : throw new InvalidDataException("a name without an end");
    }

    private ReadOnlySpan<byte> At(ulong offset, ulong size)
    {
        ulong length = (ulong)_file.Length;
        if (offset > length || size > length - offset)
        {
            throw new InvalidDataException($"{size} bytes at {offset} are beyond the end of the file");
        }

        return _file.AsSpan((int)offset, (int)size);
    }

    private static ulong Sum(ulong a, ulong b) => a <= ulong.MaxValue - b ? a + b : throw new InvalidDataException("an offset overflows");

    private ushort U16(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

    private uint U32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

    private ulong U64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));
}
