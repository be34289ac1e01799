using System;

namespace Ftrace.Elf;

/// <summary>
/// The dynamic symbols of an object in memory, by name. Called with the loader's lock held. Source: System V ABI,
/// chapter 5; the hash table is the GNU one, which every linker writes.
/// </summary>
/// <remarks>
/// dlsym(3) finds the same, but takes the lock that another thread's dlopen(3) holds while it runs constructors, which may wait for
/// us; and without a handle it does not find symbols of objects opened with RTLD_LOCAL.
/// </remarks>
internal readonly unsafe struct DynamicSymbols
{
    private const int HashHeader = 16;

    private readonly ElfImage* _image;
    private readonly ulong _strings;
    private readonly ulong _symbols;
    private readonly ulong _hash;
    private readonly ulong _relocations;
    private readonly ulong _relocationBytes;
    private readonly ulong _plt;
    private readonly ulong _pltBytes;

    public DynamicSymbols(ElfImage* image)
    {
        _image = image;
        var entries = new DynamicEntries(image);
        while (entries.MoveNext())
        {
            switch (entries.Tag)
            {
                case DynamicEntries.Strings:
                    _strings = entries.Address;
                    break;
                case DynamicEntries.Symbols:
                    _symbols = entries.Address;
                    break;
                case DynamicEntries.GnuHash:
                    _hash = entries.Address;
                    break;
                case DynamicEntries.Relocations:
                    _relocations = entries.Address;
                    break;
                case DynamicEntries.RelocationBytes:
                    _relocationBytes = entries.Value;
                    break;
                case DynamicEntries.PltRelocations:
                    _plt = entries.Address;
                    break;
                case DynamicEntries.PltBytes:
                    _pltBytes = entries.Value;
                    break;
            }
        }
    }

    /// <summary>Finds a function that can be called.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">Its address.</param>
    /// <param name="isExpected">
    /// It is there, but cannot be called yet: another thread is opening the object, and had not relocated it when this looked. One look gives both
    /// answers: between two that thread may go on, and the function would be neither found nor expected.
    /// </param>
    public bool TryFind(ReadOnlySpan<byte> name, out ulong function, out bool isExpected)
    {
        bool exists = TryFindEarly(name, out function);
        bool isFound = exists && IsRelocated;
        isExpected = exists && !isFound;
        return isFound;
    }

    private bool TryFindEarly(ReadOnlySpan<byte> name, out ulong function)
    {
        ElfSymbol* symbol = Find(name);
        function = symbol == null ? 0 : _image->Base + symbol->Value;
        return symbol != null && _image->Contains(function, 1, ProgramHeader.Executable);
    }

    /// <summary>True if the object needs a symbol of another one. Such symbols come before those in the hash table.</summary>
    public bool Imports(ReadOnlySpan<byte> name)
    {
        if (_symbols == 0 || _strings == 0 || !IsReadable(_hash, HashHeader))
        {
            return false;
        }

        uint first = *(uint*)(_hash + 4);
        for (ulong i = 1; i < first; i++)
        {
            var symbol = (ElfSymbol*)(_symbols + i * (ulong)sizeof(ElfSymbol));
            if (!IsReadable((ulong)symbol, (ulong)sizeof(ElfSymbol)))
            {
                return false;
            }

            if (IsNamed(symbol, name))
            {
                return true;
            }
        }

        return false;
    }

    private ElfSymbol* Find(ReadOnlySpan<byte> name)
    {
        // Words: number of buckets, first symbol in them, words of the Bloom filter and a shift; the filter; the buckets; a hash for
        // each symbol, whose lowest bit marks the last one of a bucket.
        if (_symbols == 0 || _strings == 0 || !IsReadable(_hash, HashHeader))
        {
            return null;
        }

        uint hash = 5381;
        foreach (byte c in name)
        {
            hash = hash * 33 + c;
        }

        uint bucketCount = *(uint*)_hash;
        uint first = *(uint*)(_hash + 4);
        ulong buckets = _hash + HashHeader + 8ul * *(uint*)(_hash + 8);
        ulong bucket = buckets + (bucketCount == 0 ? 0 : 4ul * (hash % bucketCount));
        if (bucketCount == 0 || !IsReadable(bucket, 4))
        {
            return null;
        }

        ulong index = *(uint*)bucket;
        for (ulong last = 0; index >= first && last == 0; index++)
        {
            ulong chain = buckets + 4ul * bucketCount + 4ul * (index - first);
            var symbol = (ElfSymbol*)(_symbols + index * (ulong)sizeof(ElfSymbol));
            if (!IsReadable(chain, 4) || !IsReadable((ulong)symbol, (ulong)sizeof(ElfSymbol)))
            {
                return null;
            }

            last = *(uint*)chain & 1;
            if ((*(uint*)chain | 1) == (hash | 1) && symbol->IsFunction && IsNamed(symbol, name))
            {
                return symbol;
            }
        }

        return null;
    }

    /// <summary>
    /// Finds the function that contains an address: of several the one that begins last. Looks at all of them, in memory, so that it finds
    /// one also if the file is gone.
    /// </summary>
    /// <param name="address">The address in memory.</param>
    /// <param name="function">The function.</param>
    /// <param name="name">Its name, 0-terminated within the object.</param>
    public bool TryFindAt(ulong address, out FunctionSymbol function, out ReadOnlySpan<byte> name)
    {
        function = default;
        name = default;
        ulong count = CountSymbols();
        for (ulong i = 0; i < count; i++)
        {
            var symbol = (ElfSymbol*)(_symbols + i * (ulong)sizeof(ElfSymbol));
            if (!IsReadable((ulong)symbol, (ulong)sizeof(ElfSymbol)))
            {
                break;
            }

            if (!symbol->IsFunction || symbol->Value > address - _image->Base)
            {
                continue;
            }

            var candidate = new FunctionSymbol(*symbol);
            bool better = name.IsEmpty || candidate.Start > function.Start
                || (candidate.Start == function.Start && FunctionSymbol.CompareNames(candidate, function) < 0);
            if (address - _image->Base < candidate.End && better && TryGetString(symbol->Name, out ReadOnlySpan<byte> found))
            {
                function = candidate;
                name = found;
            }
        }

        return !name.IsEmpty;
    }

    /// <summary>How many dynamic symbols there are: nothing says it, but the last bucket ends with the last one.</summary>
    private ulong CountSymbols()
    {
        if (_symbols == 0 || _strings == 0 || !IsReadable(_hash, HashHeader))
        {
            return 0;
        }

        uint bucketCount = *(uint*)_hash;
        uint first = *(uint*)(_hash + 4);
        ulong buckets = _hash + HashHeader + 8ul * *(uint*)(_hash + 8);
        if (bucketCount == 0 || !IsReadable(buckets, 4ul * bucketCount))
        {
            return 0;
        }

        ulong last = 0;
        for (uint i = 0; i < bucketCount; i++)
        {
            last = Math.Max(last, ((uint*)buckets)[i]);
        }

        if (last < first)
        {
            return 0;
        }

        ulong chain = buckets + 4ul * bucketCount + 4ul * (last - first);
        for (; IsReadable(chain, 4); chain += 4, last++)
        {
            if ((*(uint*)chain & 1) != 0)
            {
                return last + 1;
            }
        }

        return 0;
    }

    /// <summary>A string that is not empty, and ends within the object.</summary>
    private bool TryGetString(uint offset, out ReadOnlySpan<byte> text)
    {
        ulong start = _strings + offset;
        int length = 0;
        while (length <= SymbolTable.LongestName && IsReadable(start + (ulong)length, 1) && *(byte*)(start + (ulong)length) != 0)
        {
            length++;
        }

        bool ends = length <= SymbolTable.LongestName && IsReadable(start + (ulong)length, 1);
        text = ends ? new ReadOnlySpan<byte>((void*)start, length) : default;
        return !text.IsEmpty;
    }

    private bool IsNamed(ElfSymbol* symbol, ReadOnlySpan<byte> name)
    {
        ulong at = _strings + symbol->Name;
        return IsReadable(at, (ulong)name.Length + 1) && new ReadOnlySpan<byte>((void*)at, name.Length).SequenceEqual(name) && *(byte*)(at + (ulong)name.Length) == 0;
    }

    /// <summary>
    /// True if the relocations have been applied. They are applied in the order of the tables, that of the PLT last, so the last
    /// relocated word shows it: before that it is 0 or an address as in the file. The word of an optional symbol may stay 0, and shows
    /// nothing.
    /// </summary>
    private bool IsRelocated => IsApplied(_plt, _pltBytes) ?? IsApplied(_relocations, _relocationBytes) ?? true;

    private bool? IsApplied(ulong table, ulong bytes)
    {
        if (!IsReadable(table, bytes))
        {
            return null;
        }

        var relocations = (ElfRela*)table;
        for (ulong i = bytes / (ulong)sizeof(ElfRela); i > 0; i--)
        {
            ElfRela* relocation = relocations + (i - 1);
            ulong word = _image->Base + relocation->Offset;
            var symbol = (ElfSymbol*)(_symbols + relocation->Symbol * (ulong)sizeof(ElfSymbol));
            if (relocation->IsAddress && IsReadable(word, sizeof(ulong)) && IsReadable((ulong)symbol, (ulong)sizeof(ElfSymbol)) && !symbol->IsOptional)
            {
                return *(ulong*)word >= _image->Base || !IsInFile(*(ulong*)word);
            }
        }

        return null;
    }

    /// <summary>True for an address that the file may hold for something in the object itself.</summary>
    private bool IsInFile(ulong address) => address == 0 || _image->Contains(_image->Base + address, 0, 0);

    private bool IsReadable(ulong address, ulong size) => size != 0 && _image->Contains(address, size, ProgramHeader.Readable);
}
