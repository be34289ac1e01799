using System;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>A place of five bytes at the entry of a function, where a nop or a call can stand.</summary>
internal unsafe struct Site
{
    public static readonly Comparison<Site> ByAddress = static (a, b) => a.Ip.CompareTo(b.Ip);

    /// <summary>Where the nop or call is.</summary>
    public ulong Ip;

    /// <summary>Where the function begins; a few bytes in front of <see cref="Ip"/>, or the same.</summary>
    public ulong Function;

    /// <summary>Its name as it stands in the symbol table, 0-terminated; an empty one if it has none.</summary>
    public byte* Name;

    public int NameLength;

    /// <summary>Length of the instructions that the compiler left there; 5 once they are one nop.</summary>
    public byte Size;

    /// <summary>The compiler may have left a call of its own there.</summary>
    public bool IsMcount;

    /// <summary>What the compiler left there has become one nop, or a call.</summary>
    public bool IsConverted;

    /// <summary>Other bytes stand there than should, which has been reported.</summary>
    public bool IsForeign;

    /// <summary>Bit n: the registered ops with number n wants calls from here.</summary>
    public ulong Wanted;

    /// <summary>Bit n: the call that stands there reaches ops number n. 0: a nop stands there.</summary>
    public ulong Current;

    /// <summary>One nop of five bytes stands there.</summary>
    public readonly bool IsOneNop =>
        Size == X86Instruction.CallSize
        && (CallBytes.AreSame((byte*)Ip, CallBytes.Nop) // as we left it
            || X86Instruction.NopLength(new ReadOnlySpan<byte>((byte*)Ip, X86Instruction.CallSize)) == X86Instruction.CallSize);
}
