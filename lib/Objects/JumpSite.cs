using System;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>A branch on a static key: a nop of five bytes or a jump.</summary>
/// <remarks>What stands there is not noted, but read: there are only two possibilities, and the patcher compares.</remarks>
internal unsafe struct JumpSite
{
    /// <summary>By key, and those of one key by address.</summary>
    public static readonly Comparison<JumpSite> ByKey = static (a, b) =>
        a.Key != b.Key ? ((ulong)a.Key).CompareTo((ulong)b.Key) : a.Ip.CompareTo(b.Ip);

    public ulong Ip;

    /// <summary>Where the jump goes.</summary>
    public ulong Target;

    /// <summary>As the branch names it: in the same object.</summary>
    public FtraceStaticKey* Key;

    /// <summary>In the first of those with the same key: how many there are.</summary>
    public int Run;

    /// <summary>A nop stands there when the key is on, else when it is off.</summary>
    public bool IsLikely;

    /// <summary>The code for a key that is on or off.</summary>
    /// <returns>False if the target is out of reach.</returns>
    public readonly bool TryEncode(bool enabled, Span<byte> code)
    {
        if (enabled != IsLikely)
        {
            return X86Instruction.TryEncodeJump(Ip, Target, code);
        }

        X86Instruction.Nop5.CopyTo(code);
        return true;
    }
}
