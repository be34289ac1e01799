using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Elf;

/// <summary>
/// The sections of an ELF file for this machine. Whatever the file contains, nothing is read beyond its end, and the memory that is
/// used is bounded. Source: System V ABI, chapter 4; AMD64 supplement.
/// </summary>
/// <remarks>Written by hand: the library must not allocate on the managed heap, which existing readers for .NET do.</remarks>
internal unsafe struct ElfFile
{
    private const ulong MaxSections = 1 << 20;
    private const ulong MaxNames = 1 << 26;
    private const int ComparedAtOnce = 512;

    private readonly ElfSource _source;
    private Block _sections;
    private Block _names;

    private ElfFile(ElfSource source) => _source = source;

    /// <summary>The section headers.</summary>
    public readonly ReadOnlySpan<ElfSection> Sections => MemoryMarshal.Cast<byte, ElfSection>(_sections.Bytes);

    /// <summary>Opens a file. Fails if it is not an ELF file for x86-64, or is incomplete.</summary>
    public static bool TryOpen(ElfSource source, out ElfFile file)
    {
        file = new ElfFile(source);
        if (file.ReadHeaders())
        {
            return true;
        }

        file.Close();
        return false;
    }

    /// <summary>
    /// True if an object in memory was loaded from this file, and not from one that had the name before: they have the same program
    /// headers, and the same notes, which include the build id.
    /// </summary>
    public readonly bool IsOf(ElfImage* image)
    {
        Header header;
        if (!_source.Read(0, &header, (ulong)sizeof(Header)) || header.ProgramHeaderCount != image->HeaderCount
            || !IsSame(header.ProgramHeaderOffset, (byte*)image->Headers, (ulong)image->HeaderCount * (ulong)sizeof(ProgramHeader)))
        {
            return false;
        }

        bool same = true;
        for (int i = 0; i < image->HeaderCount; i++)
        {
            ProgramHeader* note = image->Headers + i;
            ulong start = image->Base + note->Address;
            if (note->Type == ProgramHeader.Note && image->Contains(start, note->FileSize, ProgramHeader.Readable))
            {
                same &= IsSame(note->Offset, (byte*)start, note->FileSize);
            }
        }

        return same;
    }

    private readonly bool IsSame(ulong offset, byte* memory, ulong size)
    {
        byte* piece = stackalloc byte[ComparedAtOnce];
        bool same = _source.Contains(offset, size);
        for (ulong done = 0; done < size && same; done += ComparedAtOnce)
        {
            int length = (int)Math.Min(size - done, ComparedAtOnce);
            same = _source.Read(offset + done, piece, (ulong)length)
                && new ReadOnlySpan<byte>(piece, length).SequenceEqual(new ReadOnlySpan<byte>(memory + done, length));
        }

        return same;
    }

    public void Close()
    {
        _sections.Free();
        _names.Free();
    }

    private bool ReadHeaders()
    {
        Header header;
        if (!_source.Read(0, &header, (ulong)sizeof(Header)) || !header.IsSupported || header.SectionOffset == 0)
        {
            return false;
        }

        ulong count = header.SectionCount;
        ulong nameSection = header.NameSection;
        if (count == 0 || nameSection == Header.NameSectionElsewhere)
        {
            // They do not fit the header, and are in the first section header.
            ElfSection first;
            if (!_source.Read(header.SectionOffset, &first, (ulong)sizeof(ElfSection)))
            {
                return false;
            }

            count = count == 0 ? first.Size : count;
            nameSection = nameSection == Header.NameSectionElsewhere ? first.Link : nameSection;
        }

        if (count == 0 || count > MaxSections || nameSection >= count || !_source.Contains(header.SectionOffset, count * (ulong)sizeof(ElfSection)))
        {
            return false;
        }

        return TryRead(header.SectionOffset, count * (ulong)sizeof(ElfSection), out _sections)
            && Sections[(int)nameSection] is { Type: not ElfSection.Nobits } names
            && names.Size <= MaxNames
            && TryRead(names.Offset, names.Size, out _names);
    }

    /// <summary>Notes that there is no memory for the contents.</summary>
    public readonly void NoteNoMemory() => _source.NoteNoMemory();

    /// <summary>The first section of this name.</summary>
    public readonly bool TryFind(ReadOnlySpan<byte> name, out ElfSection section)
    {
        foreach (ref readonly ElfSection candidate in Sections)
        {
            if (candidate.Name < _names.Size && IsString(_names.Bytes[(int)candidate.Name..], name))
            {
                section = candidate;
                return true;
            }
        }

        section = default;
        return false;
    }

    /// <summary>The first section of this type.</summary>
    public readonly bool TryFind(uint type, out ElfSection section)
    {
        foreach (ref readonly ElfSection candidate in Sections)
        {
            if (candidate.Type == type)
            {
                section = candidate;
                return true;
            }
        }

        section = default;
        return false;
    }

    /// <summary>Reads a section of at most <paramref name="most"/> bytes. Fails if it is compressed, as none of those that are needed ever is.</summary>
    public readonly bool TryRead(in ElfSection section, ulong most, out Block block)
    {
        block = default;
        return section.Type != ElfSection.Nobits && (section.Flags & ElfSection.Compressed) == 0 && section.Size <= most && TryRead(section.Offset, section.Size, out block);
    }

    /// <summary>Reads bytes of a section, which is not compressed.</summary>
    public readonly bool TryReadPart(in ElfSection section, ulong offset, void* to, ulong count) =>
        section.Type != ElfSection.Nobits && (section.Flags & ElfSection.Compressed) == 0
        && offset <= section.Size && count <= section.Size - offset
        && _source.Contains(section.Offset, section.Size) && _source.Read(section.Offset + offset, to, count);

    private readonly bool TryRead(ulong offset, ulong size, out Block block)
    {
        block = default;
        if (size == 0 || size > int.MaxValue || !_source.Contains(offset, size))
        {
            return false;
        }

        block = Block.AllocateTemporary((nuint)size);
        if (block.IsEmpty)
        {
            _source.NoteNoMemory();
            return false;
        }

        if (_source.Read(offset, block.Start, size))
        {
            return true;
        }

        block.Free();
        return false;
    }

    private static bool IsString(ReadOnlySpan<byte> at, ReadOnlySpan<byte> name) =>
        at.Length > name.Length && at[name.Length] == 0 && at[..name.Length].SequenceEqual(name);

    /// <summary><c>Elf64_Ehdr</c>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Header
    {
        /// <summary>SHN_XINDEX.</summary>
        public const ushort NameSectionElsewhere = 0xffff;

        private const uint Magic = 0x464c457f;
        private const byte Class64 = 2;
        private const byte LittleEndian = 1;
        private const ushort MachineX64 = 62;

        [FieldOffset(0)] private uint _magic;
        [FieldOffset(4)] private byte _class;
        [FieldOffset(5)] private byte _order;
        [FieldOffset(18)] private ushort _machine;
        [FieldOffset(32)] public ulong ProgramHeaderOffset;
        [FieldOffset(40)] public ulong SectionOffset;
        [FieldOffset(56)] public ushort ProgramHeaderCount;
        [FieldOffset(58)] private ushort _sectionSize;
        [FieldOffset(60)] public ushort SectionCount;
        [FieldOffset(62)] public ushort NameSection;

        public readonly bool IsSupported =>
            _magic == Magic && _class == Class64 && _order == LittleEndian && _machine == MachineX64 && _sectionSize == sizeof(ElfSection);
    }
}
