namespace Ftrace.Elf;

/// <summary>
/// The relocations of an object that the loader has mapped, and may not have applied yet: what its words will hold. Only those that add the
/// base, which all addresses within the object have. Nothing outside of the object is read.
/// </summary>
/// <remarks>Source: System V ABI, chapter 5; the section "Relative Relocation Table" of the generic ABI.</remarks>
internal readonly unsafe struct PendingRelocations
{
    private const ulong TextRelocationsFlag = 4;
    private const int BitsPerWord = 63;

    private readonly ElfImage* _image;
    private readonly ulong _relocations;
    private readonly ulong _relocationBytes;
    private readonly ulong _relative;
    private readonly ulong _relativeBytes;

    public PendingRelocations(ElfImage* image)
    {
        _image = image;
        var entries = new DynamicEntries(image);
        while (entries.MoveNext())
        {
            switch (entries.Tag)
            {
                case DynamicEntries.Relocations:
                    _relocations = entries.Address;
                    break;
                case DynamicEntries.RelocationBytes:
                    _relocationBytes = entries.Value;
                    break;
                case DynamicEntries.RelativeTable:
                    _relative = entries.Address;
                    break;
                case DynamicEntries.RelativeBytes:
                    _relativeBytes = entries.Value;
                    break;
                case DynamicEntries.TextRelocations:
                    HasTextRelocations = true;
                    break;
                case DynamicEntries.Flags:
                    HasTextRelocations |= (entries.Value & TextRelocationsFlag) != 0;
                    break;
            }
        }
    }

    /// <summary>The loader will write to the text: what is in it now may be overwritten, or make part of an instruction.</summary>
    public bool HasTextRelocations { get; }

    /// <summary>Replaces those words that are not addresses in the object's code yet by what they will be.</summary>
    /// <param name="words">Where they are in the object.</param>
    /// <param name="count">How many.</param>
    /// <param name="values">A copy of them.</param>
    public void Apply(ulong words, ulong count, ulong* values)
    {
        ulong bytes = count * sizeof(ulong);
        if (IsReadable(_relocations, _relocationBytes))
        {
            var relocations = (ElfRela*)_relocations;
            for (ulong i = 0; i < _relocationBytes / (ulong)sizeof(ElfRela); i++)
            {
                ulong offset = _image->Base + relocations[i].Offset - words;
                if (offset < bytes && offset % sizeof(ulong) == 0 && relocations[i].IsRelative)
                {
                    values[offset / sizeof(ulong)] = _image->Base + relocations[i].Addend;
                }
            }
        }

        if (IsReadable(_relative, _relativeBytes))
        {
            ApplyRelative(words, bytes, values);
        }
    }

    /// <summary>
    /// An even word is the address of a word to be relocated; bit n of an odd one says that the nth word after the last is too.
    /// </summary>
    private void ApplyRelative(ulong words, ulong bytes, ulong* values)
    {
        ulong next = 0;
        for (ulong i = 0; i < _relativeBytes / sizeof(ulong); i++)
        {
            ulong entry = ((ulong*)_relative)[i];
            if ((entry & 1) == 0)
            {
                AddBase(_image->Base + entry - words, bytes, values);
                next = _image->Base + entry + sizeof(ulong);
                continue;
            }

            for (int bit = 0; bit < BitsPerWord; bit++)
            {
                if ((entry >> (bit + 1) & 1) != 0)
                {
                    AddBase(next + (ulong)bit * sizeof(ulong) - words, bytes, values);
                }
            }

            next += BitsPerWord * sizeof(ulong);
        }
    }

    private void AddBase(ulong offset, ulong bytes, ulong* values)
    {
        if (offset < bytes && offset % sizeof(ulong) == 0)
        {
            ulong* value = values + offset / sizeof(ulong);
            *value = _image->Contains(*value, 1, ProgramHeader.Code) ? *value : _image->Base + *value;
        }
    }

    private bool IsReadable(ulong address, ulong size) => size != 0 && _image->Contains(address, size, ProgramHeader.Readable);
}
