namespace Ftrace.Elf;

/// <summary>The program or a shared object in memory, by its program headers. Nothing outside of its segments is read.</summary>
internal unsafe struct ElfImage
{
    /// <summary>Added to addresses in the file.</summary>
    public ulong Base;

    /// <summary>Its program headers in memory.</summary>
    public ProgramHeader* Headers;

    public int HeaderCount;

    /// <summary>
    /// A hash of the notes in memory, which include the build id: distinguishes versions of a file that are opened one after
    /// the other at the same address. FNV-1a.
    /// </summary>
    public readonly ulong ReadIdentity()
    {
        ulong hash = 0xcbf29ce484222325;
        for (int i = 0; i < HeaderCount; i++)
        {
            ProgramHeader* header = Headers + i;
            if (header->Type == ProgramHeader.Note && Contains(Base + header->Address, header->MemorySize, ProgramHeader.Readable))
            {
                byte* note = (byte*)(Base + header->Address);
                for (ulong at = 0; at < header->MemorySize; at++)
                {
                    hash = (hash ^ note[at]) * 0x100000001b3;
                }
            }
        }

        return hash;
    }

    /// <summary>An address in its first segment; 0 if it has none.</summary>
    public readonly ulong FirstAddress
    {
        get
        {
            for (int i = 0; i < HeaderCount; i++)
            {
                if (Headers[i].Type == ProgramHeader.Load)
                {
                    return Base + Headers[i].Address;
                }
            }

            return 0;
        }
    }

    /// <summary>From the first byte of its segments to the one after the last.</summary>
    public readonly void Range(out ulong start, out ulong end)
    {
        start = ulong.MaxValue;
        end = 0;
        for (int i = 0; i < HeaderCount; i++)
        {
            ProgramHeader* header = Headers + i;
            if (header->Type == ProgramHeader.Load)
            {
                start = ulong.Min(start, Base + header->Address);
                end = ulong.Max(end, Base + header->Address + header->MemorySize);
            }
        }
    }

    /// <summary>True if a range is in a segment that has these permissions (PF_X 1, PF_W 2, PF_R 4).</summary>
    public readonly bool Contains(ulong address, ulong size, uint permissions)
    {
        for (int i = 0; i < HeaderCount; i++)
        {
            ProgramHeader* header = Headers + i;
            ulong start = Base + header->Address;
            if (header->Type == ProgramHeader.Load && (header->Flags & permissions) == permissions
                && address >= start && address - start <= header->MemorySize && size <= header->MemorySize - (address - start))
            {
                return true;
            }
        }

        return false;
    }
}
