using System.Runtime.InteropServices;

namespace Ftrace.Elf;

/// <summary><c>Elf64_Rela</c>, and the types that store an address when they are applied.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ElfRela
{
    private const uint Absolute = 1;
    private const uint GlobalData = 6;
    private const uint JumpSlot = 7;
    private const uint Relative = 8;
    private const uint IndirectRelative = 37;

    public ulong Offset;
    public uint Type;
    public uint Symbol;
    public ulong Addend;

    /// <summary>It stores the base and the addend.</summary>
    public readonly bool IsRelative => Type == Relative;

    /// <summary>It stores what the function at the base and the addend returns.</summary>
    public readonly bool IsIndirect => Type == IndirectRelative;

    public readonly bool IsAddress => Type is Absolute or GlobalData or JumpSlot or Relative;
}
