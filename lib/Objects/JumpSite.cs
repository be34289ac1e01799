using System;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>A branch on a static key: a nop of five bytes or a jump.</summary>
/// <remarks>Which of the two it is is not kept, but read from the text; the patcher compares.</remarks>
internal unsafe struct JumpSite
{
    /// <summary>Orders branches by key, and those of one key by address.</summary>
    public static readonly Comparison<JumpSite> ByKey = static (a, b) =>
        a.Key != b.Key ? ((ulong)a.Key).CompareTo((ulong)b.Key) : a.Ip.CompareTo(b.Ip);

    public ulong Ip;

    /// <summary>Where the jump goes.</summary>
    public ulong Target;

    /// <summary>The key that the branch refers to, in the same object.</summary>
    public FtraceStaticKey* Key;

    /// <summary>In the first branch on a key: how many branches on it follow each other, with this one.</summary>
    public int Run;

    /// <summary>It is a nop when the key is on; if false, when it is off.</summary>
    public bool IsLikely;

    /// <summary>Encodes the code for a key that is on or off.</summary>
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
