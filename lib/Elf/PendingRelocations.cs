namespace Ftrace.Elf;

/// <summary>
/// The relocations of an object that the loader has mapped, and may not have applied yet: what its words will hold. Only those that add the
/// base, which all addresses within the object have. Nothing outside of the object is read.
/// </summary>
/// <remarks>Source: System V ABI, chapter 5; the section "Relative Relocation Table" of the generic ABI.</remarks>
internal readonly unsafe struct PendingRelocations
{
    private const long Relocations = 7;
    private const long RelocationBytes = 8;
    private const long TextRelocations = 22;
    private const long Flags = 30;
    private const long RelativeBytes = 35;
    private const long RelativeTable = 36;
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
        for (int i = 0; i < image->HeaderCount; i++)
        {
            ProgramHeader* header = image->Headers + i;
            var entry = (long*)(image->Base + header->Address); // two words each: tag and value
            if (header->Type != ProgramHeader.Dynamic || !IsReadable((ulong)entry, header->MemorySize))
            {
                continue;
            }

            for (ulong left = header->MemorySize / 16; left > 0 && entry[0] != 0; left--, entry += 2)
            {
                ulong value = (ulong)entry[1];
                ulong address = value < image->Base ? image->Base + value : value; // as in the file, or relocated by the loader
                switch (entry[0])
                {
                    case Relocations:
                        _relocations = address;
                        break;
                    case RelocationBytes:
                        _relocationBytes = value;
                        break;
                    case RelativeTable:
                        _relative = address;
                        break;
                    case RelativeBytes:
                        _relativeBytes = value;
                        break;
                    case TextRelocations:
                        HasTextRelocations = true;
                        break;
                    case Flags:
                        HasTextRelocations |= (value & TextRelocationsFlag) != 0;
                        break;
                }
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
