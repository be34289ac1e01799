using System.Runtime.InteropServices;

namespace Ftrace.Objects;

/// <summary>
/// An entry of the section that ftrace/static_key.h fills: a branch on a static key. Each field is relative to its own address. The
/// kernel's <c>struct jump_entry</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct JumpEntry
{
    private const ulong LikelyBit = 1;

    /// <summary>Where the nop or jump is.</summary>
    public int Code;

    /// <summary>Where the jump goes.</summary>
    public int Target;

    /// <summary>The key, and in bit 0 whether it is likely to be on.</summary>
    public int Key;

    /// <summary>The branch that an entry in memory describes.</summary>
    public static JumpSite Read(JumpEntry* entry)
    {
        ulong key = Follow(&entry->Key);
        return new JumpSite
        {
            Ip = Follow(&entry->Code),
            Target = Follow(&entry->Target),
            Key = (FtraceStaticKey*)(key & ~LikelyBit),
            IsLikely = (key & LikelyBit) != 0,
        };
    }

    private static ulong Follow(int* field) => unchecked((ulong)field + (ulong)(long)*field);
}
