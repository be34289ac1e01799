namespace Ftrace.Elf;

/// <summary>
/// The dynamic section of an object in memory, entry by entry. Called with the loader's lock held. Source: System V ABI, chapter 5.
/// </summary>
internal unsafe ref struct DynamicEntries
{
    // Tags.
    public const long PltBytes = 2;
    public const long Strings = 5;
    public const long Symbols = 6;
    public const long Relocations = 7;
    public const long RelocationBytes = 8;
    public const long TextRelocations = 22;
    public const long PltRelocations = 23;
    public const long Flags = 30;
    public const long RelativeBytes = 35;
    public const long RelativeTable = 36;
    public const long GnuHash = 0x6ffffef5;

    private readonly ElfImage* _image;
    private int _nextHeader;
    private long* _next; // two words each: tag and value
    private ulong _left;

    public DynamicEntries(ElfImage* image) => _image = image;

    /// <summary>Of the current entry.</summary>
    public long Tag { get; private set; }

    /// <summary>Likewise.</summary>
    public ulong Value { get; private set; }

    /// <summary>The value as an address: as in the file, or relocated by the loader.</summary>
    public readonly ulong Address => Value < _image->Base ? _image->Base + Value : Value;

    /// <summary>Goes on to the next entry, or to the first one.</summary>
    /// <returns>False if there is none.</returns>
    public bool MoveNext()
    {
        while (_left == 0 || *_next == 0)
        {
            if (_nextHeader == _image->HeaderCount)
            {
                return false;
            }

            ProgramHeader* header = _image->Headers + _nextHeader++;
            ulong start = _image->Base + header->Address;
            bool isReadable = header->Type == ProgramHeader.Dynamic && header->MemorySize != 0
                && _image->Contains(start, header->MemorySize, ProgramHeader.Readable);
            _next = (long*)start;
            _left = isReadable ? header->MemorySize / 16 : 0;
        }

        Tag = _next[0];
        Value = (ulong)_next[1];
        _next += 2;
        _left--;
        return true;
    }
}
