using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>MEMORY_BASIC_INFORMATION, winnt.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryBasicInformation
{
    public const int Kind = 0;
    public const uint Commit = 0x1000;

    public ulong BaseAddress;
    public ulong AllocationBase;
    public uint AllocationProtect;
    public ushort PartitionId;
    public ulong RegionSize;
    public uint State;
    public uint Protect;
    public uint Type;
}
