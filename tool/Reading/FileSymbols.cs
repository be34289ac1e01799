using System;
using System.IO;
using Ftrace.Elf;
using Ftrace.Linux;
using Microsoft.Win32.SafeHandles;

namespace Ftrace.Tool.Reading;

/// <summary>The functions of an object by its file, if that has the build id that the trace has.</summary>
internal sealed unsafe class FileSymbols
{
    private const int BuildIdNote = 3;
    private const int NoteHeader = 12;
    private const ulong MostNotes = 1 << 16;

    /// <summary>Of a symbol table; it bounds the memory.</summary>
    private const ulong MostBytes = 64 << 20;

    /// <summary>By address. The first of those with the same address is the one to show.</summary>
    private readonly ulong[] _starts;
    private readonly FileFunction[] _functions;
    private readonly byte[] _names;

    private FileSymbols(SymbolTable symbols, bool isComplete)
    {
        IsComplete = isComplete;
        _starts = new ulong[symbols.Count];
        _functions = new FileFunction[symbols.Count];
        using var names = new MemoryStream();
        int count = 0;
        foreach (ref readonly FunctionSymbol symbol in symbols.All)
        {
            if (count != 0 && symbol.Start == _starts[count - 1])
            {
                continue;
            }

            ReadOnlySpan<byte> name = symbols.NameOf(symbol);
            _starts[count] = symbol.Start;
            _functions[count++] = new FileFunction(symbol.Start, symbol.End, (int)names.Length, name.Length);
            names.Write(name);
        }

        Array.Resize(ref _starts, count);
        _names = names.ToArray();
    }

    /// <summary>False: the file was stripped, and has only the functions that others can call.</summary>
    public bool IsComplete { get; }

    /// <summary>Reads the file of an object. Null: there is none, it is another one, or it has no symbols.</summary>
    public static FileSymbols? Read(TraceObject target)
    {
        try
        {
            // A length of 0 have also pipes and devices, which must not be opened.
            var info = new FileInfo(target.Path);
            if (target.BuildId.Length == 0 || !Path.IsPathRooted(target.Path) || !info.Exists || info.Length == 0)
            {
                return null;
            }

            using SafeFileHandle handle = File.OpenHandle(target.Path);
            return Read(handle, target.BuildId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The function at an address in the file.</summary>
    public bool TryFind(ulong address, out FileFunction function)
    {
        int index = Array.BinarySearch(_starts, address);
        index = index < 0 ? ~index - 1 : index;
        function = index < 0 ? default : _functions[index];
        return index >= 0 && address < function.End;
    }

    public byte[] NameOf(in FileFunction function) => _names.AsSpan(function.Name, function.NameLength).ToArray();

    private static FileSymbols? Read(SafeFileHandle handle, ReadOnlySpan<byte> buildId)
    {
        LibraryCalls.Prepare();
        int error;
        var source = new ElfSource((int)handle.DangerousGetHandle(), (ulong)RandomAccess.GetLength(handle), &error);
        if (!ElfFile.TryOpen(source, out ElfFile file))
        {
            return null;
        }

        FileSymbols? symbols = null;
        if (HasBuildId(file, buildId))
        {
            symbols = Read(file, ElfSection.Symtab) ?? Read(file, ElfSection.Dynsym);
        }

        file.Close();
        return symbols;
    }

    private static FileSymbols? Read(in ElfFile file, uint type)
    {
        if (!file.TryFind(type, out ElfSection section) || section.Size > MostBytes || !SymbolTable.TryRead(file, type, null, out SymbolTable table))
        {
            return null;
        }

        var symbols = new FileSymbols(table, type == ElfSection.Symtab);
        table.Free();
        return symbols;
    }

    private static bool HasBuildId(in ElfFile file, ReadOnlySpan<byte> buildId)
    {
        foreach (ElfSection section in file.Sections)
        {
            if (section.Type != ElfSection.Note || !file.TryRead(section, MostNotes, out Block block))
            {
                continue;
            }

            bool isFound = HasBuildId(block.Bytes, buildId);
            block.Free();
            if (isFound)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Looks through the notes of a section: the lengths of name and description, the type, then both, each padded to 4 bytes.</summary>
    private static bool HasBuildId(ReadOnlySpan<byte> notes, ReadOnlySpan<byte> buildId)
    {
        while (notes.Length >= NoteHeader)
        {
            uint name = BitConverter.ToUInt32(notes);
            uint description = BitConverter.ToUInt32(notes[4..]);
            uint type = BitConverter.ToUInt32(notes[8..]);
            long start = NoteHeader + ((name + 3L) & ~3L);
            long end = start + ((description + 3L) & ~3L);
            if (end > notes.Length)
            {
                return false;
            }

            bool isGnu = name == 4 && notes.Slice(NoteHeader, 4).SequenceEqual("GNU\0"u8);
            if (isGnu && type == BuildIdNote && notes.Slice((int)start, (int)description).SequenceEqual(buildId))
            {
                return true;
            }

            notes = notes[(int)end..];
        }

        return false;
    }
}
