using System;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>
/// What the compiler left at a function's entry, and what it becomes: one 5-byte nop that a call can take the place of.
/// </summary>
internal readonly ref struct PatchableEntry
{
    /// <summary>Longest run of nops that is looked at.</summary>
    public const int MaxBytes = 64;

    /// <summary>Bytes of the longer calls of <c>__fentry__</c>.</summary>
    public const int LongCallSize = 6;

    public static bool IsEndbr64(ReadOnlySpan<byte> code) => code.StartsWith(Endbr64);

    private static ReadOnlySpan<byte> Endbr64 => [0xf3, 0x0f, 0x1e, 0xfa];

    /// <summary>
    /// Five bytes that are one nop from wherever in them one begins: a thread, even an interrupted one, that stood between five
    /// nops of one byte finds a nop, and whatever mixture of the two it meets is nops.
    /// </summary>
    public static ReadOnlySpan<byte> Nop5FromAnywhere => [0x66, 0x66, 0x66, 0x66, 0x90];

    /// <summary>
    /// True if something else stands at a function's first instruction, to which the compiler's note points, than the compiler left:
    /// another tool was there before us. Whoever wants to trace it gets to know when the patcher finds no nop.
    /// </summary>
    public static bool IsForeign(ReadOnlySpan<byte> code, out int offset)
    {
        offset = code.StartsWith(Endbr64) ? X86Instruction.EndbrSize : 0;
        return code.Length - offset >= X86Instruction.CallSize && X86Instruction.NopLength(code[offset..]) == 0;
    }

    /// <summary>Length of the call of <c>__fentry__</c> that stands there, or 0.</summary>
    public static int MeasureCall(ReadOnlySpan<byte> code)
    {
        if (code.Length >= X86Instruction.CallSize && code[0] == X86Instruction.CallOpcode)
        {
            return X86Instruction.CallSize;
        }

        // call *__fentry__@GOTPCREL(%rip), or addr32 call __fentry__, which the linker makes of it where it can
        bool longer = code.Length >= LongCallSize && ((code[0] == 0xff && code[1] == 0x15) || (code[0] == 0x67 && code[1] == X86Instruction.CallOpcode));
        return longer ? LongCallSize : 0;
    }

    /// <summary>
    /// Finds the place in the bytes at an address that the compiler noted.
    /// </summary>
    /// <param name="code">What stands there, <see cref="MaxBytes"/> or less.</param>
    /// <param name="isMcount">A call of <c>__fentry__</c> may stand there.</param>
    /// <param name="bytesToEntry">Bytes from there to the function's first instruction; 0 if it is not known.</param>
    /// <param name="offset">Where the place is.</param>
    /// <param name="size">Length of what stands there: whole instructions, 5 bytes or more.</param>
    /// <returns>False if there is no room for a call.</returns>
    public static bool TryFind(ReadOnlySpan<byte> code, bool isMcount, int bytesToEntry, out int offset, out int size)
    {
        offset = bytesToEntry;
        size = X86Instruction.CallSize;
        if (offset > code.Length - size)
        {
            return false;
        }

        if (code[offset..].StartsWith(Endbr64))
        {
            offset += X86Instruction.EndbrSize;
        }

        ReadOnlySpan<byte> here = code[offset..];
        size = isMcount ? MeasureCall(here) : 0;
        if (size != 0)
        {
            return true;
        }

        while (size < X86Instruction.CallSize)
        {
            int nop = X86Instruction.NopLength(here[size..]);
            if (nop == 0)
            {
                return false;
            }

            size += nop;
        }

        return true;
    }
}
