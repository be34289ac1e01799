using System.Runtime.InteropServices;

namespace Ftrace.Elf;

/// <summary><c>Elf64_Shdr</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ElfSection
{
    public const uint Symtab = 2;
    public const uint Note = 7;
    public const uint Nobits = 8;
    public const uint Dynsym = 11;
    public const ulong Alloc = 2;
    public const ulong Compressed = 0x800;

    public uint Name;
    public uint Type;
    public ulong Flags;
    public ulong Address;
    public ulong Offset;
    public ulong Size;
    public uint Link;
    public uint Info;
    public ulong Alignment;
    public ulong EntrySize;
}
