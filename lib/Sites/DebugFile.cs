using System;
using Ftrace.Linux;

namespace Ftrace.Sites;

/// <summary>The separate file with an object's symbols, as distributions install it: found by the build id.</summary>
internal static unsafe class DebugFile
{
    private const int PathSize = 128;
    private const int MostId = 32;
    private const uint BuildId = 3;
    private const int StatSize = 144;
    private const int StatSizeOffset = 48;

    private static ReadOnlySpan<byte> Folder => "/usr/lib/debug/.build-id/"u8;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    public static bool TryReadSymbols(LoadedObject* target, out SymbolTable symbols)
    {
        symbols = default;
        ReadOnlySpan<byte> id = IdOf(target);
        if (id.Length is < 2 or > MostId)
        {
            return false;
        }

        byte* path = stackalloc byte[PathSize];
        var to = new Span<byte>(path, PathSize);
        Folder.CopyTo(to);
        int at = Folder.Length;
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
        int file = ProcFile.Open(path);
        if (file < 0)
        {
            return false;
        }

        byte* stat = stackalloc byte[StatSize];
        bool read = false;
        if (Native.Syscall(SyscallNumber.Fstat, file, (nint)stat) == 0
            && ElfFile.TryOpen(new ElfSource(file, *(ulong*)(stat + StatSizeOffset)), out ElfFile elf))
        {
            read = SymbolTable.TryRead(elf, ElfSection.Symtab, out symbols);
            elf.Close();
        }

        ProcFile.Close(file);
        return read;
    }

    /// <summary>The build id in the object's notes; empty if there is none.</summary>
    private static ReadOnlySpan<byte> IdOf(LoadedObject* target)
    {
        for (int i = 0; i < target->HeaderCount; i++)
        {
            ProgramHeader* header = target->Headers + i;
            if (header->Type != ProgramHeader.Note || header->MemorySize > int.MaxValue
                || !target->Contains(target->Base + header->Address, header->MemorySize, ProgramHeader.Readable))
            {
                continue;
            }

            // Words: length of the name, length of the content, type; then both, each padded to 4 bytes.
            var rest = new ReadOnlySpan<byte>((void*)(target->Base + header->Address), (int)header->MemorySize);
            while (rest.Length >= 12)
            {
                uint name = BitConverter.ToUInt32(rest);
                uint content = BitConverter.ToUInt32(rest[4..]);
                uint type = BitConverter.ToUInt32(rest[8..]);
                ulong nameEnd = 12 + (((ulong)name + 3) & ~3ul);
                ulong end = nameEnd + (((ulong)content + 3) & ~3ul);
                if (nameEnd + content > (ulong)rest.Length)
                {
                    break;
                }

                if (type == BuildId && name == 4 && rest.Slice(12, 4).SequenceEqual("GNU\0"u8))
                {
                    return rest.Slice((int)nameEnd, (int)content);
                }

                rest = end >= (ulong)rest.Length ? default : rest[(int)end..];
            }
        }

        return default;
    }
}
