using System;
using Ftrace.Linux;

namespace Ftrace.Elf;

/// <summary>The separate file with an object's symbols, as distributions install it. It is found by the build id.</summary>
internal static unsafe class DebugFile
{
    private const int PathSize = 128;
    private const int MaxId = 32;
    private const uint BuildId = 3;
    private const ulong MaxNotes = 1 << 16;

    private static ReadOnlySpan<byte> Directory => "/usr/lib/debug/.build-id/"u8;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>Reads all its functions.</summary>
    /// <param name="image">The object.</param>
    /// <param name="error">Set to -EAGAIN or -ENOMEM if the file could not be read for a temporary reason.</param>
    /// <param name="symbols">The functions.</param>
    public static bool TryReadSymbols(ElfImage* image, int* error, out SymbolTable symbols)
    {
        symbols = default;
        if (!TryOpen(image, error, out int file, out ElfFile elf))
        {
            return false;
        }

        bool read = SymbolTable.TryRead(elf, ElfSection.Symtab, image, out symbols);
        elf.Close();
        ProcFile.Close(file);
        return read;
    }

    /// <summary>Opens it.</summary>
    /// <param name="image">The object.</param>
    /// <param name="error">Set to -EAGAIN or -ENOMEM if the file could not be read for a temporary reason.</param>
    /// <param name="file">The descriptor, to be closed after <paramref name="elf"/>.</param>
    /// <param name="elf">The file.</param>
    public static bool TryOpen(ElfImage* image, int* error, out int file, out ElfFile elf)
    {
        file = -1;
        elf = default;
        ReadOnlySpan<byte> id = IdOf(image);
        if (id.Length is < 2 or > MaxId)
        {
            return false;
        }

        byte* path = stackalloc byte[PathSize];
        var to = new Span<byte>(path, PathSize);
        Directory.CopyTo(to);
        int at = Directory.Length;
        for (int i = 0; i < id.Length; i++)
        {
            to[at++] = Digits[id[i] >> 4];
            to[at++] = Digits[id[i] & 15];
            if (i == 0)
            {
                to[at++] = (byte)'/';
            }
        }

        ".debug\0"u8.CopyTo(to[at..]);
        file = ProcFile.OpenRegular(path, out ulong size);
        if (file < 0)
        {
            *error = ProcFile.IsTransient(file) ? -Errno.EAGAIN : *error;
            return false;
        }

        if (ElfFile.TryOpen(new ElfSource(file, size, error), out elf))
        {
            if (IsOf(elf, id))
            {
                return true;
            }

            elf.Close();
        }

        ProcFile.Close(file);
        return false;
    }

    /// <summary>True if the file has this build id itself: a file may be out of date, or have a wrong name.</summary>
    private static bool IsOf(ElfFile file, ReadOnlySpan<byte> id)
    {
        foreach (ref readonly ElfSection section in file.Sections)
        {
            if (section.Type == ElfSection.Note && file.TryRead(section, MaxNotes, out Block notes))
            {
                bool same = FindId(notes.Bytes).SequenceEqual(id);
                notes.Free();
                if (same)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The build id in the object's notes; empty if there is none.</summary>
    public static ReadOnlySpan<byte> IdOf(ElfImage* image)
    {
        ReadOnlySpan<byte> id = default;
        for (int i = 0; i < image->HeaderCount && id.IsEmpty; i++)
        {
            ProgramHeader* header = image->Headers + i;
            if (header->Type == ProgramHeader.Note && header->MemorySize <= MaxNotes
                && image->Contains(image->Base + header->Address, header->MemorySize, ProgramHeader.Readable))
            {
                id = FindId(new ReadOnlySpan<byte>((void*)(image->Base + header->Address), (int)header->MemorySize));
            }
        }

        return id;
    }

    private static ReadOnlySpan<byte> FindId(ReadOnlySpan<byte> notes)
    {
        // Words: length of the name, length of the content, type; then both, each padded to 4 bytes.
        while (notes.Length >= 12)
        {
            uint name = BitConverter.ToUInt32(notes);
            uint content = BitConverter.ToUInt32(notes[4..]);
            uint type = BitConverter.ToUInt32(notes[8..]);
            ulong nameEnd = 12 + (((ulong)name + 3) & ~3ul);
            ulong end = nameEnd + (((ulong)content + 3) & ~3ul);
            if (nameEnd + content > (ulong)notes.Length)
            {
                break;
            }

            if (type == BuildId && name == 4 && notes.Slice(12, 4).SequenceEqual("GNU\0"u8))
            {
                return notes.Slice((int)nameEnd, (int)content);
            }

            notes = end >= (ulong)notes.Length ? default : notes[(int)end..];
        }

        return default;
    }
}
