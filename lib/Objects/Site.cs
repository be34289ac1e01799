using System;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>The site of a function: five bytes at its entry, which are a nop or a call.</summary>
internal unsafe struct Site
{
    public static readonly Comparison<Site> ByAddress = static (a, b) => a.Ip.CompareTo(b.Ip);

    /// <summary>Where the nop or call is.</summary>
    public ulong Ip;

    /// <summary>Where the function begins; a few bytes before <see cref="Ip"/>, or the same.</summary>
    public ulong Function;

    /// <summary>The function's name in the symbol table, 0-terminated; empty if it has none.</summary>
    public byte* Name;

    public ushort NameLength;

    /// <summary>A version is part of the name: <c>name@version</c>, or <c>name@@version</c>.</summary>
    public bool HasVersion;

    /// <summary>After the 0 of the name are the function's other names, each 0-terminated, and an empty one.</summary>
    public bool HasAliases;

    /// <summary>Length of the instructions that the compiler left there; 5 once they are one nop.</summary>
    public byte Size;

    /// <summary>What the compiler left there.</summary>
    public EntryKind Kind;

    /// <summary>What the compiler left there has become one nop, or a call.</summary>
    public bool IsConverted;

    /// <summary>Other bytes than expected were there when the library last looked.</summary>
    public ForeignState Foreign;

    /// <summary>Bit n: the registered ops with number n wants to be called from here.</summary>
    public ulong Wanted;

    /// <summary>Bit n: the call that is there calls ops number n. 0: a nop is there.</summary>
    public ulong Current;

    /// <summary>The compiler may have left a call there: it is from the section of -mrecord-mcount.</summary>
    public readonly bool IsMcount => Kind == EntryKind.Mcount;

    /// <summary>The compiler may have left a call there. Once that is a nop, a call is another tool's.</summary>
    public readonly bool MayBeCompilersCall => IsMcount && !IsConverted;

    /// <summary>True if the code there is one nop of five bytes.</summary>
    public readonly bool IsOneNop => HoldsOneNop((byte*)Ip);

    /// <summary>The same for a copy of the code: another tool may change the site between two looks at it.</summary>
    public readonly bool HoldsOneNop(byte* code) =>
        Size == X86Instruction.CallSize
        && (CallBytes.AreSame(code, CallBytes.Nop) // the library's own
            || X86Instruction.NopLength(new ReadOnlySpan<byte>(code, X86Instruction.CallSize)) == X86Instruction.CallSize);

    /// <summary>True if the code there is a call of a stub of this library, whichever.</summary>
    public readonly bool IsCallOfStub => StubArea.IsCallOfStub(Ip, (byte*)Ip);
}
