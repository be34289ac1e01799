using System;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>
/// What the compiler left at a function's entry, and what it becomes: one 5-byte nop that a call can replace.
/// </summary>
internal readonly ref struct PatchableEntry
{
    /// <summary>The longest sequence of nops that is recognized.</summary>
    public const int MaxBytes = 64;

    /// <summary>Bytes of the longer form of a call of <c>__fentry__</c>.</summary>
    public const int LongCallSize = 6;

    /// <summary>Bytes of a sled of XRay at a function's entry.</summary>
    public const int SledSize = 11;

    /// <summary>How far from the function's first byte such a sled may be: after an endbr64, at an even address.</summary>
    public const int MaxSledOffset = X86Instruction.EndbrSize + 1;

    /// <summary>Bytes that <see cref="IsRoom"/> needs: an endbr64 and the longest nop.</summary>
    public const int RoomBytes = 20;

    public static bool IsEndbr64(ReadOnlySpan<byte> code) => code.StartsWith(Endbr64);

    private static ReadOnlySpan<byte> Endbr64 => [0xf3, 0x0f, 0x1e, 0xfa];

    /// <summary>
    /// Five bytes that are a nop from each of them on: a thread that is between five nops of one byte, even if it was interrupted
    /// there, continues with a nop, and any mixture of the old and new bytes is nops.
    /// </summary>
    public static ReadOnlySpan<byte> Nop5FromAnywhere => [0x66, 0x66, 0x66, 0x66, 0x90];

    /// <summary>
    /// True if the code at a function's first instruction is not what a compiler leaves there: another tool has changed it. The
    /// host learns this when it traces the function, and the patcher finds no nop.
    /// </summary>
    /// <param name="code">The code.</param>
    /// <param name="isMcount">The compiler may have left a call of <c>__fentry__</c>.</param>
    /// <param name="offset">Where the site probably is.</param>
    public static bool IsForeign(ReadOnlySpan<byte> code, bool isMcount, out int offset)
    {
        offset = code.StartsWith(Endbr64) ? X86Instruction.EndbrSize : 0;
        if (code.Length - offset < X86Instruction.CallSize)
        {
            return false;
        }

        bool isShortened = isMcount && code[offset] == 0x90 && code[offset + 1] == X86Instruction.CallOpcode; // by another copy of this library
        return isShortened || X86Instruction.NopLength(code[offset..]) == 0;
    }

    /// <summary>
    /// True if the code at a function's first instruction is what a compiler leaves there: GCC nops of one byte, and Clang a nop that has a
    /// displacement. Nops without one align code, or are branches on static keys. Or Clang a sled of XRay.
    /// </summary>
    public static bool IsRoom(ReadOnlySpan<byte> code)
    {
        ReadOnlySpan<byte> here = code[(code.StartsWith(Endbr64) ? X86Instruction.EndbrSize : 0)..];
        int nop = X86Instruction.NopLength(here);
        bool isDisplaced = nop >= X86Instruction.CallSize && (here[nop - 1] != 0 || (nop > LongCallSize && here[nop - 3] != 0));
        bool isSled = here[(nop == 1 ? 1 : 0)..].StartsWith(Sled);
        return isDisplaced || isSled || here.StartsWith(OneByteNops);
    }

    private static ReadOnlySpan<byte> OneByteNops => [0x90, 0x90, 0x90, 0x90, 0x90];

    /// <summary>A jump over a nop of nine bytes: there is room for two instructions of XRay's.</summary>
    private static ReadOnlySpan<byte> Sled => [0xeb, 0x09, 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x02, 0x00, 0x00];

    /// <summary>The nop that follows the site once a sled has become one.</summary>
    public static ReadOnlySpan<byte> EndOfSled => [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00];

    /// <summary>
    /// True if the code begins with a sled that XRay has not turned on. If it had, and turned it off again, only the jump is as before; after it
    /// are the rest of <c>mov $id,%r10d</c> and <c>call</c>.
    /// </summary>
    public static bool IsSled(ReadOnlySpan<byte> code)
    {
        const int CallAt = SledSize - X86Instruction.CallSize;

        return code.Length >= SledSize && code.StartsWith(Sled[..2]) && (code.StartsWith(Sled) || code[CallAt] == X86Instruction.CallOpcode);
    }

    /// <summary>Length of the call of <c>__fentry__</c> that the code begins with, or 0.</summary>
    public static int MeasureCall(ReadOnlySpan<byte> code)
    {
        if (code.Length >= X86Instruction.CallSize && code[0] == X86Instruction.CallOpcode)
        {
            return X86Instruction.CallSize;
        }

        // call *__fentry__@GOTPCREL(%rip), or addr32 call __fentry__, into which the linker relaxes it if it can
        bool longer = code.Length >= LongCallSize && ((code[0] == 0xff && code[1] == 0x15) || (code[0] == 0x67 && code[1] == X86Instruction.CallOpcode));
        return longer ? LongCallSize : 0;
    }

    /// <summary>
    /// Finds the site in the code at an address that the compiler noted.
    /// </summary>
    /// <param name="code">The code, <see cref="MaxBytes"/> or less.</param>
    /// <param name="isMcount">It may be a call of <c>__fentry__</c>.</param>
    /// <param name="bytesToEntry">Bytes from there to the function's first instruction; 0 if not known.</param>
    /// <param name="offset">The offset of the site.</param>
    /// <param name="size">The length of the instructions there, 5 bytes or more.</param>
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
