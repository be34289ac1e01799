using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>
/// A program or shared object, mapped as the loader does it, but not relocated and never executed. What the library finds in an object that
/// was loaded it finds here.
/// </summary>
internal sealed unsafe class MappedObject : IDisposable
{
    private const int HeaderSize = 64;
    private const int MostHeaders = 4096;
    private const ulong MostBytes = 1ul << 36;
    private const ushort FixedAddress = 2; // ET_EXEC
    private const uint PtInterp = 3;
    private const int Private = 2;
    private const int Fixed = 0x10;
    private const int Anonymous = 0x20;
    private const int Noreserve = 0x4000;

    private readonly byte* _start;
    private readonly nuint _size;
    private readonly LoadedObject* _object;

    private MappedObject(string path, byte* start, nuint size, LoadedObject* target)
    {
        Path = path;
        _start = start;
        _size = size;
        _object = target;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The library's description, with the sites.</summary>
    public LoadedObject* Object => _object;

    /// <summary>A loader is named in it, that can load other libraries.</summary>
    public bool HasInterpreter { get; private init; }

    /// <summary>It has an entry for a loader: a program, or an object that can be loaded.</summary>
    public bool IsProgram { get; private init; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="RecordingException">It is no object for x86-64, or cannot be read.</exception>
    public static MappedObject Open(string path)
    {
        LibraryCalls.Prepare();
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            return Map(path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new RecordingException(e is FileNotFoundException or DirectoryNotFoundException ? $"{path}: no such file" : $"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>Reads its symbols: all; else those of its debug file; else the dynamic ones.</summary>
    /// <param name="symbols">To be freed.</param>
    /// <param name="isStripped">The file itself has only dynamic ones.</param>
    public bool TryReadSymbols(out SymbolTable symbols, out bool isStripped)
    {
        symbols = default;
        isStripped = true;
        int error = 0;
        int file = ObjectReader.Open(_object, out ulong size);
        if (file < 0)
        {
            return false;
        }

        bool read = false;
        if (ElfFile.TryOpen(new ElfSource(file, size, &error), out ElfFile elf))
        {
            isStripped = !SymbolTable.TryRead(elf, ElfSection.Symtab, &_object->Image, out symbols);
            read = !isStripped
                || DebugFile.TryReadSymbols(&_object->Image, &error, out symbols)
                || SymbolTable.TryRead(elf, ElfSection.Dynsym, &_object->Image, out symbols);
            elf.Close();
        }

        ProcFile.Close(file);
        return read;
    }

    public void Dispose()
    {
        _object->Sites.Free();
        _object->SiteNames.Free();
        _object->Words.Free();
        _object->Jumps.Free();
        NativeMemory.Free(_object);
        Memory.Unmap(_start, _size);
    }

    private static MappedObject Map(string path, FileStream file)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.StartsWith("\u007fELF"u8))
        {
            throw new RecordingException($"{path}: is neither a program nor a shared object{(header.StartsWith("#!"u8) ? ", but a script; give the program that runs it" : "")}");
        }

        if (header[4] != 2 || BitConverter.ToUInt16(header[18..]) != 62)
        {
            throw new RecordingException($"{path}: is not for x86-64; the library is for 64-bit programs, compiled without -m32");
        }

        ushort type = BitConverter.ToUInt16(header[16..]);
        ulong offset = BitConverter.ToUInt64(header[32..]);
        int count = BitConverter.ToUInt16(header[56..]);
        if (type is not (FixedAddress or 3) || count == 0 || count > MostHeaders || BitConverter.ToUInt16(header[54..]) != sizeof(ProgramHeader))
        {
            throw new RecordingException($"{path}: has no segments; give a program or a shared object, not an object file");
        }

        // One piece of memory for the description, the headers and the path.
        byte[] name = Encoding.UTF8.GetBytes(path);
        nuint headerBytes = (nuint)(count * sizeof(ProgramHeader));
        var target = (LoadedObject*)NativeMemory.AllocZeroed((nuint)sizeof(LoadedObject) + headerBytes + (nuint)name.Length + 1);
        var headers = (ProgramHeader*)(target + 1);
        if (RandomAccess.Read(file.SafeFileHandle, new Span<byte>(headers, (int)headerBytes), (long)offset) != (int)headerBytes)
        {
            NativeMemory.Free(target);
            throw new RecordingException($"{path}: is cut off, or damaged");
        }

        target->Path = (byte*)headers + headerBytes;
        target->FileName = target->Path;
        name.CopyTo(new Span<byte>(target->Path, name.Length));
        target->Image.Headers = headers;
        target->Image.HeaderCount = count;
        byte* start = MapSegments(file, &target->Image, out nuint size);
        if (start == null)
        {
            NativeMemory.Free(target);
            throw new RecordingException($"{path}: is cut off, or damaged");
        }

        bool hasInterpreter = false;
        for (int i = 0; i < count; i++)
        {
            hasInterpreter |= headers[i].Type == PtInterp;
        }

        var mapped = new MappedObject(path, start, size, target) { HasInterpreter = hasInterpreter, IsProgram = hasInterpreter || type == FixedAddress };
        mapped.RelocateEntries(type == FixedAddress);
        if (ObjectReader.Read(target) != 0)
        {
            mapped.Dispose();
            throw new RecordingException($"{path}: there is not enough memory to read it");
        }

        return mapped;
    }

    /// <summary>Maps the segments at some address.</summary>
    private static byte* MapSegments(FileStream file, ElfImage* image, out nuint size)
    {
        ulong from = ulong.MaxValue;
        ulong to = 0;
        for (int i = 0; i < image->HeaderCount; i++)
        {
            ProgramHeader* header = image->Headers + i;
            if (header->Type != ProgramHeader.Load)
            {
                continue;
            }

            bool isInFile = header->Offset <= (ulong)file.Length && header->FileSize <= (ulong)file.Length - header->Offset;
            if (!isInFile || header->FileSize > header->MemorySize || header->Address > MostBytes || header->MemorySize > MostBytes
                || (header->Address - header->Offset) % Memory.PageSize != 0)
            {
                size = 0;
                return null;
            }

            from = ulong.Min(from, PageOf(header->Address));
            to = ulong.Max(to, header->Address + header->MemorySize);
        }

        size = to > from ? (nuint)(to - from) : 0;
        byte* start = (byte*)Map(0, size, Private | Anonymous | Noreserve, -1, 0);
        if (start == null)
        {
            return null;
        }

        image->Base = (ulong)start - from;
        for (int i = 0; i < image->HeaderCount; i++)
        {
            ProgramHeader* header = image->Headers + i;
            ulong skipped = header->Address % Memory.PageSize;
            if (header->Type == ProgramHeader.Load && header->FileSize != 0
                && Map(image->Base + header->Address - skipped, (nuint)(header->FileSize + skipped), Private | Fixed, (int)file.SafeFileHandle.DangerousGetHandle(), header->Offset - skipped) == 0)
            {
                Memory.Unmap(start, size);
                return null;
            }
        }

        return start;
    }

    private static nint Map(ulong address, nuint size, int flags, int file, ulong offset)
    {
        nint at = size == 0 ? 0 : Native.Syscall(SyscallNumber.Mmap, (nint)address, (nint)size, Memory.ProtRead | Memory.ProtWrite, flags, file, (nint)offset);
        return at < 0 ? 0 : at;
    }

    private static ulong PageOf(ulong address) => address & ~((ulong)Memory.PageSize - 1);

    /// <summary>Does with the addresses in the compiler's lists what the loader does.</summary>
    /// <param name="isFixed">The program has addresses that need no relocation; it is mapped at others.</param>
    private void RelocateEntries(bool isFixed)
    {
        int error = 0;
        int file = ObjectReader.Open(_object, out ulong size);
        if (file < 0)
        {
            return;
        }

        if (ElfFile.TryOpen(new ElfSource(file, size, &error), out ElfFile elf))
        {
            foreach (EntryKind kind in (ReadOnlySpan<EntryKind>)[EntryKind.Nops, EntryKind.Mcount])
            {
                if (ObjectReader.TryFindEntries(elf, &_object->Image, kind, out ElfSection section))
                {
                    var words = (ulong*)(_object->Image.Base + section.Address);
                    ulong count = section.Size / sizeof(ulong);
                    for (ulong i = 0; i < count && isFixed; i++)
                    {
                        words[i] += _object->Image.Base;
                    }

                    if (!isFixed)
                    {
                        new PendingRelocations(&_object->Image).Apply((ulong)words, count, words);
                    }
                }
            }

            elf.Close();
        }

        ProcFile.Close(file);
    }
}
