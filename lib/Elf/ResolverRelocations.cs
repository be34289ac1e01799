namespace Ftrace.Elf;

/// <summary>
/// The words of an object for which the loader calls a resolver of the same object, one by one: which function each resolver has chosen. No
/// resolver is called, and nothing outside of the object is read. Called with the loader's lock held.
/// </summary>
/// <remarks>Source: System V ABI, AMD64 supplement, "Relocation"; elf_machine_rela() in glibc's sysdeps/x86_64/dl-machine.h.</remarks>
internal unsafe ref struct ResolverRelocations
{
    private readonly ElfImage* _image;
    private readonly ulong _symbols;
    private ElfRela* _next;
    private ulong _left;
    private readonly ulong _plt;
    private ulong _pltBytes; // 0 once the table was begun

    public ResolverRelocations(ElfImage* image)
    {
        _image = image;
        ulong relocations = 0;
        ulong bytes = 0;
        var entries = new DynamicEntries(image);
        while (entries.MoveNext())
        {
            switch (entries.Tag)
            {
                case DynamicEntries.Symbols:
                    _symbols = entries.Address;
                    break;
                case DynamicEntries.Relocations:
                    relocations = entries.Address;
                    break;
                case DynamicEntries.RelocationBytes:
                    bytes = entries.Value;
                    break;
                case DynamicEntries.PltRelocations:
                    _plt = entries.Address;
                    break;
                case DynamicEntries.PltBytes:
                    _pltBytes = entries.Value;
                    break;
            }
        }

        Begin(relocations, bytes);
    }

    /// <summary>The address of the resolver in the file, which is that of the indirect function's symbol.</summary>
    public ulong Resolver { get; private set; }

    /// <summary>
    /// What the word holds, as an address in the file: the function, if one begins there. None does before the word is relocated, and before
    /// the first call if it is bound then.
    /// </summary>
    public ulong Function { get; private set; }

    /// <summary>Goes on to the next word, or to the first one.</summary>
    /// <returns>False if there is none.</returns>
    public bool MoveNext()
    {
        while (_left != 0 || _pltBytes != 0)
        {
            if (_left == 0)
            {
                Begin(_plt, _pltBytes);
                _pltBytes = 0;
                continue;
            }

            ElfRela* relocation = _next++;
            _left--;
            ulong word = _image->Base + relocation->Offset;
            if (TryGetResolver(relocation, out ulong resolver) && IsReadable(word, sizeof(ulong)))
            {
                Resolver = resolver;
                Function = *(ulong*)word - _image->Base;
                return true;
            }
        }

        return false;
    }

    private void Begin(ulong table, ulong bytes)
    {
        _next = (ElfRela*)table;
        _left = IsReadable(table, bytes) ? bytes / (ulong)sizeof(ElfRela) : 0;
    }

    /// <summary>It names the resolver, or the symbol of an indirect function of the object, which another object may define first.</summary>
    private readonly bool TryGetResolver(ElfRela* relocation, out ulong resolver)
    {
        resolver = relocation->Addend;
        if (relocation->IsIndirect || !relocation->IsAddress || relocation->Symbol == 0)
        {
            return relocation->IsIndirect;
        }

        var symbol = (ElfSymbol*)(_symbols + relocation->Symbol * (ulong)sizeof(ElfSymbol));
        bool isIndirect = IsReadable((ulong)symbol, (ulong)sizeof(ElfSymbol)) && symbol->IsIndirectFunction;
        resolver = isIndirect ? symbol->Value : 0;
        return isIndirect;
    }

    private readonly bool IsReadable(ulong address, ulong size) => size != 0 && _image->Contains(address, size, ProgramHeader.Readable);
}
