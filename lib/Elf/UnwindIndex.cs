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

        // An address right after an endbr64 is still the entry.
        if (low > 0 && address - StartOf(low - 1) <= X86Instruction.EndbrSize)
        {
            function = StartOf(low - 1);
            return true;
        }

        function = low < _count ? StartOf(low) : 0;
        return low < _count && function - address <= distance;
    }

    /// <summary>Where a function begins. Nothing says that it is in the object.</summary>
    public ulong StartOf(uint index) => _start + (ulong)(long)_entries[2 * (nuint)index];
}
