using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Elf;

/// <summary>The functions of an ELF file, by address, with their names.</summary>
internal unsafe struct SymbolTable
{
    private const ulong MaxBytes = 1ul << 30;
    public const int LongestName = ushort.MaxValue;

    private static readonly Comparison<FunctionSymbol> s_byStart = static (a, b) =>
        a.Start != b.Start ? a.Start.CompareTo(b.Start) : FunctionSymbol.CompareNames(a, b);

    /// <summary>Sort() without a comparison allocates one each time.</summary>
    private static readonly Comparison<ulong> s_byValue = static (a, b) => a.CompareTo(b);

    /// <summary>What the name of a function that chooses a clone ends with.</summary>
    private static ReadOnlySpan<byte> Resolver => ".resolver"u8;

    private Block _functions;
    private Block _names;

    public int Count { get; private set; }

    /// <summary>Size of the string table.</summary>
    public readonly nuint NameBytes => _names.Size;

    /// <summary>All functions, by address.</summary>
    public readonly ReadOnlySpan<FunctionSymbol> All => new(Functions, Count);

    private readonly FunctionSymbol* Functions => (FunctionSymbol*)_functions.Start;

    /// <summary>Sorts once, so that the runtime's lazy initialization is done at start-up.</summary>
    public static void WarmUp()
    {
        Span<FunctionSymbol> functions = stackalloc FunctionSymbol[64];
        for (int i = 0; i < functions.Length; i++)
        {
            functions[i].Start = (ulong)(i * 37 % functions.Length);
        }

        functions.Sort(s_byStart);
        Span<ulong> names = stackalloc ulong[64];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = functions[i].Start;
        }

        names.Sort(s_byValue);
    }

    /// <summary>Reads a file's functions from a symbol table.</summary>
    /// <param name="file">The file.</param>
    /// <param name="type">SHT_SYMTAB or SHT_DYNSYM.</param>
    /// <param name="image">The object in memory, which knows the functions that are called as indirect ones; null: it is not loaded.</param>
    /// <param name="table">The functions.</param>
    /// <returns>False if the file has no such table, or the table is invalid.</returns>
    public static bool TryRead(ElfFile file, uint type, ElfImage* image, out SymbolTable table)
    {
        table = default;
        if (!file.TryFind(type, out ElfSection symbols) || symbols.EntrySize != (ulong)sizeof(ElfSymbol) || symbols.Link >= (uint)file.Sections.Length)
        {
            return false;
        }

        if (!file.TryRead(symbols, MaxBytes, out Block entries))
        {
            return false;
        }

        bool read = file.TryRead(file.Sections[(int)symbols.Link], MaxBytes, out table._names) && table.Collect(file, image, MemoryMarshal.Cast<byte, ElfSymbol>(entries.Bytes));
        entries.Free();
        if (!read)
        {
            table.Free();
        }

        return read;
    }

    public void Free()
    {
        _functions.Free();
        _names.Free();
        Count = 0;
    }

    private bool Collect(ElfFile file, ElfImage* image, ReadOnlySpan<ElfSymbol> symbols)
    {
        int count = 0;
        int indirectCount = 0;
        foreach (ref readonly ElfSymbol symbol in symbols)
        {
            count += symbol.IsFunction ? 1 : 0;
            indirectCount += symbol.IsIndirectFunction ? 1 : 0;
        }

        // With indirect functions each of the others may be a clone that has two names, and each of them may have chosen a function.
        nuint most = indirectCount == 0 ? (nuint)count : (nuint)count * 2 + (nuint)indirectCount;
        _functions = Block.AllocateTemporary(most * (nuint)sizeof(FunctionSymbol));
        if (_functions.IsEmpty)
        {
            if (count != 0)
            {
                file.NoteNoMemory();
            }

            return false;
        }

        foreach (ref readonly ElfSymbol symbol in symbols)
        {
            if (symbol.IsFunction && symbol.Name < _names.Size)
            {
                Functions[Count++] = new FunctionSymbol(symbol);
            }
        }

        if (indirectCount != 0 && !NameClones(symbols, indirectCount))
        {
            file.NoteNoMemory();
            return false;
        }

        Sort();
        if (indirectCount != 0 && image != null && !NameChosen(image, symbols, indirectCount))
        {
            file.NoteNoMemory();
            return false;
        }

        for (int i = 1; i < Count; i++)
        {
            if (Functions[i].Start == Functions[i - 1].Start)
            {
                Functions[i].HasAliases = true;
                Functions[i - 1].HasAliases = true;
            }
        }

        return true;
    }

    /// <summary>
    /// Gives the clones of a function with target_clones, <c>f.avx2</c> and <c>f.default</c>, also the name of the indirect function that is
    /// called, <c>f</c>. Such a symbol has the address of the function that chooses a clone.
    /// </summary>
    private bool NameClones(ReadOnlySpan<ElfSymbol> symbols, int indirectCount)
    {
        Block indirect = Block.AllocateTemporary((nuint)indirectCount * sizeof(ulong));
        if (indirect.IsEmpty)
        {
            return false;
        }

        // Sorted by a hash of the name, which is in the upper half, because there may be many.
        var names = new Span<ulong>(indirect.Start, indirectCount);
        int count = 0;
        foreach (ref readonly ElfSymbol symbol in symbols)
        {
            if (symbol.IsIndirectFunction && symbol.Name < _names.Size)
            {
                names[count++] = HashOf(NameOf(new FunctionSymbol { Name = symbol.Name })) | symbol.Name;
            }
        }

        names = names[..count];
        names.Sort(s_byValue);
        for (int i = Count - 1; i >= 0; i--)
        {
            ReadOnlySpan<byte> name = NameOf(Functions[i]);
            int dot = name.IndexOf((byte)'.');
            if (dot > 0 && !name[dot..].SequenceEqual(Resolver) && TryFindName(names, name[..dot], out uint found))
            {
                Functions[Count++] = Functions[i].AsIndirect(found);
            }
        }

        indirect.Free();
        return true;
    }

    /// <summary>
    /// Gives the functions that resolvers have chosen also the names of the indirect functions. An indirect function names one function at
    /// most, though there may be several words for it.
    /// </summary>
    private bool NameChosen(ElfImage* image, ReadOnlySpan<ElfSymbol> symbols, int indirectCount)
    {
        var indirect = new SymbolTable { _functions = Block.AllocateTemporary((nuint)indirectCount * (nuint)sizeof(FunctionSymbol)) };
        if (indirect._functions.IsEmpty)
        {
            return false;
        }

        foreach (ref readonly ElfSymbol symbol in symbols)
        {
            if (symbol.IsIndirectFunction && symbol.Name < _names.Size)
            {
                indirect.Functions[indirect.Count++] = new FunctionSymbol(symbol);
            }
        }

        indirect.Sort();
        int count = Count; // those after that are not sorted
        var relocations = new ResolverRelocations(image);
        while (relocations.MoveNext())
        {
            // Those with the same resolver are named together, so that only the first has to be looked at.
            int at = indirect.FirstAt(relocations.Resolver);
            int chosen = FirstAt(relocations.Function);
            if (at < 0 || chosen < 0 || indirect.Functions[at].HasAliases)
            {
                continue;
            }

            for (; at < indirect.Count && indirect.Functions[at].Start == relocations.Resolver; at++)
            {
                indirect.Functions[at].HasAliases = true;
                Functions[count++] = Functions[chosen].AsIndirect(indirect.Functions[at].Name);
            }
        }

        indirect.Free();
        if (count != Count)
        {
            Count = count;
            Sort();
            RemoveRepeated();
        }

        return true;
    }

    /// <summary>A clone that was chosen has been given the name already.</summary>
    private void RemoveRepeated()
    {
        int kept = 1;
        for (int i = 1; i < Count; i++)
        {
            if (s_byStart(Functions[i], Functions[kept - 1]) != 0)
            {
                Functions[kept++] = Functions[i];
            }
        }

        Count = kept;
    }

    private readonly void Sort() => new Span<FunctionSymbol>(Functions, Count).Sort(s_byStart);

    private readonly bool TryFindName(ReadOnlySpan<ulong> names, ReadOnlySpan<byte> name, out uint found)
    {
        const int MostTries = 8; // a file could have any number of names with the same hash

        ulong hash = HashOf(name);
        int at = names.BinarySearch(hash);
        at = at < 0 ? ~at : at;
        for (int end = Math.Min(names.Length, at + MostTries); at < end; at++)
        {
            found = (uint)names[at];
            if (NameOf(new FunctionSymbol { Name = found }).SequenceEqual(name))
            {
                return true;
            }
        }

        found = 0;
        return false;
    }

    /// <summary>FNV-1a, in the upper half.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> name)
    {
        uint hash = 2166136261;
        foreach (byte c in name)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (ulong)hash << 32;
    }

    /// <summary>
    /// Finds the function that contains an address, or begins at most <paramref name="before"/> bytes after it. Of several with
    /// the same start the first, which is a global one if there is one.
    /// </summary>
    public readonly bool TryFind(ulong address, ulong before, out FunctionSymbol function)
    {
        int next = CountUpTo(address);

        // A function that begins right after the address is the one whose nops are before it.
        if (next < Count && Functions[next].Start - address <= before && (next == 0 || Functions[next - 1].End <= address))
        {
            function = Functions[next];
            return true;
        }

        int at = next - 1;
        if (at > 0 && Functions[at - 1].Start == Functions[at].Start)
        {
            // By a search, not step by step: all symbols of a file may have the same start.
            at = Functions[at].Start == 0 ? 0 : CountUpTo(Functions[at].Start - 1);
        }

        function = at >= 0 ? Functions[at] : default;
        return at >= 0 && address < function.End;
    }

    /// <summary>All functions that begin at an address.</summary>
    public readonly ReadOnlySpan<FunctionSymbol> At(ulong start)
    {
        int first = start == 0 ? 0 : CountUpTo(start - 1);
        return new ReadOnlySpan<FunctionSymbol>(Functions + first, CountUpTo(start) - first);
    }

    /// <summary>The first function that begins at an address; -1: there is none.</summary>
    private readonly int FirstAt(ulong start)
    {
        int first = start == 0 ? 0 : CountUpTo(start - 1);
        return first < Count && Functions[first].Start == start ? first : -1;
    }

    /// <summary>How many functions begin at the address or before it.</summary>
    private readonly int CountUpTo(ulong address)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            if (Functions[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>A name, without its 0; truncated at the end of the table, and at <see cref="LongestName"/>.</summary>
    public readonly ReadOnlySpan<byte> NameOf(in FunctionSymbol function)
    {
        ReadOnlySpan<byte> rest = _names.Bytes[(int)function.Name..];
        rest = rest[..Math.Min(rest.Length, LongestName)];
        int end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }

    /// <summary>A name whose offset and length are known.</summary>
    public readonly ReadOnlySpan<byte> NameAt(uint offset, int length) => _names.Bytes.Slice((int)offset, length);
}
