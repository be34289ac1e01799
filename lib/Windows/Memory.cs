namespace Ftrace.Windows;

/// <summary>Private memory, and protection, directly from the system.</summary>
internal static unsafe class Memory
{
    public const int PageSize = 4096;
    public const int ProtRead = 1;
    public const int ProtWrite = 2;
    public const int ProtExec = 4;

    private const uint CommitAndReserve = 0x3000;
    private const uint Release = 0x8000;

    /// <summary>Maps zeroed memory. Null if there is none.</summary>
    public static void* Map(nuint bytes)
    {
        void* address = null;
        nuint size = bytes;
        int status = Ntdll.NtAllocateVirtualMemory(Ntdll.CurrentProcess, &address, 0, &size, CommitAndReserve, PageProtection.ReadWrite);
        return status < 0 ? null : address;
    }

    /// <summary>Nothing: the system has no call for this.</summary>
    public static void Populate(void* address, nuint bytes)
    {
    }

    public static void Unmap(void* address, nuint bytes)
    {
        void* start = address;
        nuint all = 0;
        Ntdll.NtFreeVirtualMemory(Ntdll.CurrentProcess, &start, &all, Release);
    }

    /// <summary>The start of what was allocated or loaded at once; 0: there is nothing.</summary>
    public static ulong AllocationOf(ulong address)
    {
        MemoryBasicInformation pages;
        nuint length;
        int status = Ntdll.NtQueryVirtualMemory(
            Ntdll.CurrentProcess, address, MemoryBasicInformation.Kind, &pages, (nuint)sizeof(MemoryBasicInformation), &length);
        return status < 0 ? 0 : pages.AllocationBase;
    }

    /// <summary>Changes the protection of pages.</summary>
    /// <returns>False if the system refuses, also for some of them.</returns>
    [NoInstr]
    public static bool Protect(ulong start, ulong end, uint protection)
    {
        void* address = (void*)start;
        nuint size = (nuint)(end - start);
        uint before;
        return Ntdll.NtProtectVirtualMemory(Ntdll.CurrentProcess, &address, &size, protection, &before) >= 0;
    }
}
