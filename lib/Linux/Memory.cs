namespace Ftrace.Linux;

/// <summary>Anonymous memory, directly from the kernel: can be used while a parked thread holds malloc's lock.</summary>
internal static unsafe class Memory
{
    public const int PageSize = 4096;
    public const nuint HugePageSize = 2 << 20;
    public const int ProtRead = 1;
    public const int ProtWrite = 2;
    public const int ProtExec = 4;
    public const int ProtAll = ProtRead | ProtWrite | ProtExec;
    private const int HugePage = 14;
    private const int RemovePages = 9;
    private const int PopulateWrite = 23;
    private const int MapPrivateAnonymousNoreserve = 0x02 | 0x20 | 0x4000;

    /// <summary>Maps zeroed memory, which uses pages only where it is touched. Null if there is none.</summary>
    public static void* Map(nuint bytes)
    {
        nint address = Native.Syscall(SyscallNumber.Mmap, 0, (nint)bytes, ProtRead | ProtWrite, MapPrivateAnonymousNoreserve, -1, 0);
        return address < 0 ? null : (void*)address;
    }

    /// <summary>Allocates the pages of memory that will be written. Errors are ignored: the write faults the pages in.</summary>
    public static void Populate(void* address, nuint bytes) =>
        Native.Syscall(SyscallNumber.Madvise, (nint)address, (nint)bytes, PopulateWrite);

    /// <summary>Uses huge pages for memory, if the system has them.</summary>
    public static void UseHugePages(void* address, nuint bytes) =>
        Native.Syscall(SyscallNumber.Madvise, (nint)address, (nint)bytes, HugePage);

    /// <summary>Frees memory of a shared mapping, and the file's part, which is zeros then. Some file systems cannot: then nothing changes.</summary>
    public static void Remove(void* address, nuint bytes) =>
        Native.Syscall(SyscallNumber.Madvise, (nint)address, (nint)bytes, RemovePages);

    public static void Unmap(void* address, nuint bytes) =>
        Native.Syscall(SyscallNumber.Munmap, (nint)address, (nint)bytes);
}
