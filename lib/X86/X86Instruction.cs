using System;
using System.Buffers.Binary;

namespace Ftrace.X86;

/// <summary>The few instructions that the library writes and reads. Intel SDM vol. 2.</summary>
/// <remarks>Written by hand: a disassembler would allocate, and this has to run while all threads stand still.</remarks>
internal static class X86Instruction
{
    /// <summary>Bytes of <c>call rel32</c>; FTRACE_INSN_SIZE.</summary>
    public const int CallSize = Offsets.X86Instruction_CallSize;

    /// <summary>Bytes of <c>endbr64</c>.</summary>
    public const int EndbrSize = 4;

    /// <summary>How many bytes a location may have.</summary>
    public const int MaxPatch = 8;

    /// <summary>Bytes of the longest instruction that a CPU accepts.</summary>
    private const int MaxLength = 15;

    /// <summary>The breakpoint, one byte.</summary>
    public const byte Int3 = 0xcc;

    /// <summary>The first byte of <c>call rel32</c>.</summary>
    public const byte CallOpcode = 0xe8;

    /// <summary>The first byte of <c>jmp rel32</c>.</summary>
    public const byte JumpOpcode = 0xe9;

    /// <summary>Bytes of the longest call through memory, without prefixes.</summary>
    public const int LongestCall = 7;

    private const byte GroupOpcode = 0xff; // with /2: a call of an address in a register or in memory
    private const byte MoveOpcode = 0xb8; // mov r32,imm32: eight opcodes
    private const byte ShortJumpOpcode = 0xeb;
    private const int ShortJumpSize = 2;

    /// <summary>The 5-byte nop that the library writes, <c>nopl 0x0(%rax,%rax,1)</c>.</summary>
    public static ReadOnlySpan<byte> Nop5 => [0x0f, 0x1f, 0x44, 0x00, 0x00];

    /// <summary>Encodes <c>call target</c> for the address <paramref name="ip"/>.</summary>
    /// <returns>False if the target is out of reach of a signed 32-bit displacement.</returns>
    public static bool TryEncodeCall(ulong ip, ulong target, Span<byte> code) => TryEncode(CallOpcode, ip, target, code);

    /// <summary>Encodes <c>jmp target</c> for the address <paramref name="ip"/>, with five bytes.</summary>
    /// <returns>False if the target is out of reach of a signed 32-bit displacement.</returns>
    public static bool TryEncodeJump(ulong ip, ulong target, Span<byte> code) => TryEncode(JumpOpcode, ip, target, code);

    /// <summary>Encodes <c>jmp rel32</c> with this displacement from its end.</summary>
    public static void EncodeJump(int displacement, Span<byte> code)
    {
        code[0] = JumpOpcode;
        BinaryPrimitives.WriteInt32LittleEndian(code[1..], displacement);
    }

    /// <summary>Where the <c>call rel32</c> or <c>jmp rel32</c> at an address leads to.</summary>
    public static ulong CallTarget(ulong ip, ReadOnlySpan<byte> code) =>
        ip + CallSize + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[1..]);

    private static bool TryEncode(byte opcode, ulong ip, ulong target, Span<byte> code)
    {
        long distance = unchecked((long)(target - (ip + CallSize)));
        if (distance != (int)distance)
        {
            return false;
        }

        code[0] = opcode;
        BinaryPrimitives.WriteInt32LittleEndian(code[1..], (int)distance);
        return true;
    }

    /// <summary>True if the bytes are nops, one or several, that end exactly with the last byte.</summary>
    public static bool AreNops(ReadOnlySpan<byte> code)
    {
        while (!code.IsEmpty)
        {
            int length = NopLength(code);
            if (length == 0)
            {
                return false;
            }

            code = code[length..];
        }

        return true;
    }

    /// <summary>True if the bytes are certainly one instruction, so that no thread can be inside of them.</summary>
    public static bool IsOne(ReadOnlySpan<byte> code)
    {
        bool known = code.Length switch
        {
            1 => true,
            ShortJumpSize => code[0] == ShortJumpOpcode,
            CallSize => code[0] is CallOpcode or JumpOpcode or (>= MoveOpcode and < MoveOpcode + 8),
            _ => false,
        };
        return known || NopLength(code) == code.Length;
    }

    /// <summary>True if the last bytes may be a call of any form. Other instructions may end like one.</summary>
    public static bool MayEndWithCall(ReadOnlySpan<byte> code)
    {
        if (code.Length >= CallSize && code[^CallSize] == CallOpcode)
        {
            return true;
        }

        for (int length = 2; length <= Math.Min(code.Length, LongestCall); length++)
        {
            // No form has five bytes.
            if (length != CallSize && code[^length] == GroupOpcode && (code[^(length - 1)] >> 3 & 7) == 2)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Length of the nop at the start of <paramref name="code"/>, or 0: 90 and 0f 1f /0, with any number of
    /// prefixes 66 and 2e, as assemblers emit them.
    /// </summary>
    public static int NopLength(ReadOnlySpan<byte> code)
    {
        code = code[..Math.Min(code.Length, MaxLength)];
        int at = 0;
        while (at < code.Length && code[at] is 0x66 or 0x2e)
        {
            at++;
        }

        if (at < code.Length && code[at] == 0x90)
        {
            return at + 1;
        }

        if (at + 2 >= code.Length || code[at] != 0x0f || code[at + 1] != 0x1f)
        {
            return 0;
        }

        int modrm = code[at + 2];
        int mod = modrm >> 6;
        int rm = modrm & 7;
        if ((modrm >> 3 & 7) != 0)
        {
            return 0;
        }

        at += 3;
        int displacement = mod switch { 1 => 1, 2 => 4, _ => 0 };
        if (mod != 3 && rm == 4)
        {
            if (at >= code.Length)
            {
                return 0;
            }

            // A SIB byte; base 5 without mod has a displacement of its own.
            if (mod == 0 && (code[at] & 7) == 5)
            {
                displacement = 4;
            }

            at++;
        }
        else if (mod == 0 && rm == 5)
        {
            displacement = 4;
        }

        at += displacement;
        return at <= code.Length ? at : 0;
    }
}
