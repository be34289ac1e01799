namespace Ftrace.Windows;

/// <summary>Reads the memory map by ascending address.</summary>
internal unsafe ref struct MapsReader
{
    /// <summary>It needs no buffer.</summary>
    public MapsReader(byte* buffer, int size)
    {
        _ = buffer;
        _ = size;
    }

    /// <returns>0.</returns>
    public readonly int Open() => 0;

    /// <summary>The next mapping that has pages; those that end at or before <paramref name="from"/> are skipped.</summary>
    /// <returns>False at the end.</returns>
    public readonly bool Next(ulong from, out MapEntry entry)
    {
        entry = default;
        MemoryBasicInformation pages;
        nuint length;
        for (ulong at = from; ; at = pages.BaseAddress + pages.RegionSize)
        {
            int status = Ntdll.NtQueryVirtualMemory(
                Ntdll.CurrentProcess, at, MemoryBasicInformation.Kind, &pages, (nuint)sizeof(MemoryBasicInformation), &length);
            if (status < 0 || pages.BaseAddress + pages.RegionSize <= at)
            {
                return false; // above the addresses of a process
            }

            if (pages.State == MemoryBasicInformation.Commit)
            {
                entry.Start = pages.BaseAddress;
                entry.End = pages.BaseAddress + pages.RegionSize;
                entry.Protection = PageProtection.Rights(pages.Protect);
                return true;
            }
        }
    }

    public readonly void Close()
    {
    }
}
