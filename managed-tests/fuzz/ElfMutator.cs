using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Ftrace.Elf;

namespace Ftrace.Fuzz;

/// <summary>Changes fields of an ELF file as such: a count by one, an offset to that of another field. Single bytes are libFuzzer's.</summary>
internal sealed unsafe class ElfMutator(int seed)
{
    private const int IdentificationSize = 16;
    private const int FileHeaderSize = 64;
    private const int ProgramHeadersField = 32;
    private const int SectionsField = 40;
    private const int ProgramHeaderCountField = 56;
    private const int SectionCountField = 60;
    private const int MostChanges = 4;
    private const int SmallStep = 9;

    private static readonly ulong[] s_values =
        [0, 1, 2, 7, 8, 24, 64, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1ul << 32, 1ul << 63, ulong.MaxValue - 63, ulong.MaxValue];

    private static readonly int[] s_programHeaderFields = [0, 4, 8, 16, 32, 40];
    private static readonly int[] s_sectionFields = [0, 4, 8, 16, 24, 32, 40, 56];

    private readonly Random _random = new(seed);

    public void Mutate(Span<byte> file)
    {
        for (int changes = _random.Next(1, MostChanges); changes > 0; changes--)
        {
            (int at, int width) = Choose(file);
            if (at < 0 || at + width > file.Length)
            {
                continue;
            }

            Span<byte> field = file.Slice(at, width);
            Write(field, _random.Next(5) switch
            {
                0 => s_values[_random.Next(s_values.Length)],
                1 => (ulong)_random.Next(file.Length + 1),
                2 when Choose(file) is var (from, length) && from >= 0 && from + length <= file.Length => Read(file.Slice(from, length)),
                _ => Read(field) + (ulong)(long)_random.Next(-SmallStep, SmallStep + 1),
            });
        }
    }

    /// <summary>A field of the file header, of a table's entry, or of what that entry is about. -1: there is none.</summary>
    private (int At, int Width) Choose(ReadOnlySpan<byte> file)
    {
        if (file.Length < FileHeaderSize)
        {
            return (-1, 1);
        }

        switch (_random.Next(8))
        {
            case 0:
                return (_random.Next(9, IdentificationSize), 1);
            case 1:
                return _random.Next(2) == 0 ? (ProgramHeadersField + 8 * _random.Next(2), 8) : (52 + 2 * _random.Next(6), 2);
            case 2 or 3:
                int header = Entry(file, ProgramHeadersField, ProgramHeaderCountField, sizeof(ProgramHeader));
                int field = s_programHeaderFields[_random.Next(s_programHeaderFields.Length)];
                return header < 0 ? (-1, 1) : (header + field, field < 8 ? 4 : 8);
            case 4 or 5:
                int section = Entry(file, SectionsField, SectionCountField, sizeof(ElfSection));
                field = s_sectionFields[_random.Next(s_sectionFields.Length)];
                return section < 0 ? (-1, 1) : (section + field, field is 0 or 4 or 40 ? 4 : 8);
            default:
                return Content(file);
        }
    }

    private (int At, int Width) Content(ReadOnlySpan<byte> file)
    {
        ulong offset;
        ulong size;
        if (_random.Next(2) == 0)
        {
            int at = Entry(file, ProgramHeadersField, ProgramHeaderCountField, sizeof(ProgramHeader));
            ProgramHeader header = at < 0 ? default : MemoryMarshal.Read<ProgramHeader>(file[at..]);
            (offset, size) = (header.Offset, header.FileSize);
        }
        else
        {
            int at = Entry(file, SectionsField, SectionCountField, sizeof(ElfSection));
            ElfSection section = at < 0 ? default : MemoryMarshal.Read<ElfSection>(file[at..]);
            (offset, size) = (section.Offset, section.Size);
        }

        if (offset >= (ulong)file.Length || size == 0)
        {
            return (-1, 1);
        }

        int length = (int)Math.Min(size, (ulong)file.Length - offset);
        int width = 1 << _random.Next(4);
        return ((int)offset + _random.Next(length) / width * width, width);
    }

    private int Entry(ReadOnlySpan<byte> file, int offsetField, int countField, int size)
    {
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(file[offsetField..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file[countField..]);
        if (count == 0 || table > (ulong)file.Length)
        {
            return -1;
        }

        int at = (int)table + _random.Next(count) * size;
        return at + size <= file.Length ? at : -1;
    }

    private static ulong Read(ReadOnlySpan<byte> field)
    {
        ulong value = 0;
        for (int i = field.Length - 1; i >= 0; i--)
        {
            value = value << 8 | field[i];
        }

        return value;
    }

    private static void Write(Span<byte> field, ulong value)
    {
        foreach (ref byte part in field)
        {
            part = (byte)value;
            value >>= 8;
        }
    }
}
