using System.Runtime.InteropServices;

namespace Ftrace.Elf;

/// <summary><c>Elf64_Phdr</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProgramHeader
{
    public const uint Load = 1;
    public const uint Dynamic = 2;
    public const uint Note = 4;
    public const uint Executable = 1;
    public const uint Readable = 4;
    public const uint Writable = 2;

    /// <summary>Text that can be read; a segment may be executable only.</summary>
    public const uint Code = Executable | Readable;

    public uint Type;
    public uint Flags;
    public ulong Offset;
    public ulong Address;
    public ulong PhysicalAddress;
    public ulong FileSize;
    public ulong MemorySize;
    public ulong Alignment;
}
