using Ftrace.X86;

namespace Ftrace.Elf;

/// <summary>
/// The addresses at which an object's functions begin, from the unwinder's table in memory, which a stripped file has too. Source: Linux
/// Standard Base, .eh_frame_hdr.
/// </summary>
internal readonly unsafe struct UnwindIndex
{
    private const uint GnuEhFrame = 0x6474e550;
    private const int HeaderSize = 12;
    private const byte Version = 1;
    private const byte Sdata4 = 0x0b;
    private const byte PcRelative = 0x10;
    private const byte Udata4 = 0x03;
    private const byte SectionRelative = 0x30;

    private readonly ulong _start;
    private readonly int* _entries; // two offsets each: of the function, and of its description
    private readonly uint _count;

    public UnwindIndex(ElfImage* image)
    {
        for (int i = 0; i < image->HeaderCount; i++)
        {
            ProgramHeader* header = image->Headers + i;
            ulong start = image->Base + header->Address;
            if (header->Type != GnuEhFrame || header->MemorySize < HeaderSize
                || !image->Contains(start, header->MemorySize, ProgramHeader.Readable))
            {
                continue;
            }

            byte* bytes = (byte*)start;
            uint count = *(uint*)(bytes + 8);
            if (bytes[0] == Version && bytes[1] == (PcRelative | Sdata4) && bytes[2] == Udata4
                && bytes[3] == (SectionRelative | Sdata4) && count <= (header->MemorySize - HeaderSize) / (2 * sizeof(int)))
            {
                _start = start;
                _entries = (int*)(bytes + HeaderSize);
                _count = count;
                return;
            }
        }
    }

    /// <summary>How many functions it has.</summary>
    public uint Count => _count;

    /// <summary>
    /// Finds the function that begins at an address, at most <paramref name="distance"/> after it, or at most an endbr64 before it.
    /// </summary>
    public bool TryFind(ulong address, ulong distance, out ulong function)
    {
        uint low = CountUpTo(address);

        // An address right after an endbr64 is still the entry.
        if (low > 0 && address - StartOf(low - 1) <= X86Instruction.EndbrSize)
        {
            function = StartOf(low - 1);
            return true;
        }

        function = low < _count ? StartOf(low) : 0;
        return low < _count && function - address <= distance;
    }

    /// <summary>How many functions begin at the address or before it.</summary>
    private uint CountUpTo(ulong address)
    {
        uint low = 0;
        uint high = _count;
        while (low < high)
        {
            uint middle = low + (high - low) / 2;
            if (StartOf(middle) <= address)
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

    /// <summary>
    /// Finds the piece of code that contains an address: a function, a part of one, or code without a name such as the PLT.
    /// </summary>
    /// <param name="image">The object.</param>
    /// <param name="address">The address in memory.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="end">Where it ends.</param>
    public bool TryFindAround(ElfImage* image, ulong address, out ulong start, out ulong end)
    {
        uint count = CountUpTo(address);
        start = count == 0 ? 0 : StartOf(count - 1);
        end = 0;
        if (count == 0)
        {
            return false;
        }

        // Its description: length, distance of the common part, start and length of the code. The encoding of those two is in the common
        // part; if they have the usual one, the start agrees with the table's.
        ulong description = _start + (ulong)(long)_entries[2 * (nuint)(count - 1) + 1];
        ulong code = description + 8;
        if (!image->Contains(description, 16, ProgramHeader.Readable) || code + (ulong)(long)*(int*)code != start)
        {
            return false;
        }

        end = start + *(uint*)(code + 4);
        return address < end;
    }

    /// <summary>Where a function begins. Nothing says that it is in the object.</summary>
    public ulong StartOf(uint index) => _start + (ulong)(long)_entries[2 * (nuint)index];
}
