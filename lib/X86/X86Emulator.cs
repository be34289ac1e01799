using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;

namespace Ftrace.X86;

/// <summary>
/// Emulates the instructions that a breakpoint may replace, on the registers of a thread that has trapped: nops, <c>call
/// rel32</c>, <c>jmp rel32</c>, <c>jmp rel8</c>, <c>ret</c>, <c>mov r32, imm32</c>. The kernel's int3_emulate_*() in
/// arch/x86/include/asm/text-patching.h.
/// </summary>
internal static unsafe class X86Emulator
{
    private const byte Mov = 0xb8;
    private const byte Ret = 0xc3;
    private const byte Call = 0xe8;
    private const byte JmpNear = 0xe9;
    private const byte JmpShort = 0xeb;
    private const uint ShortSize = 2;
    private const uint NearSize = 5;

    /// <summary>
    /// True for code that can be emulated while threads run: one instruction, or nops, or one instruction that
    /// never falls through to the bytes after it.
    /// </summary>
    public static bool CanExecute(byte* code, uint length) =>
        LengthOf(code, length) == length || (LengthOf(code, length) != 0 && !FallsThrough(*code)) || AreNops(code, length);

    /// <summary>
    /// True for code that can be replaced while threads run, because no thread can be in its middle: one instruction; or one that
    /// never falls through, with only breakpoints after it.
    /// </summary>
    public static bool CanReplace(byte* code, uint length)
    {
        uint first = LengthOf(code, length);
        if (first == length)
        {
            return true;
        }

        bool filled = first != 0 && !FallsThrough(*code);
        for (uint at = first; at < length && filled; at++)
        {
            filled = code[at] == X86Instruction.Int3;
        }

        return filled;
    }

    /// <summary>Emulates the code at <paramref name="ip"/>, which <see cref="CanExecute"/> must accept.</summary>
    /// <param name="ip">Its address.</param>
    /// <param name="code">Its bytes.</param>
    /// <param name="length">How many.</param>
    /// <param name="context">The interrupted registers, <see cref="Ucontext"/>.</param>
    [NoInstr]
    public static void Execute(ulong ip, byte* code, uint length, ulong context)
    {
        ulong* rip = Ucontext.Rip(context);
        ulong* rsp = Ucontext.Rsp(context);
        byte opcode = *code;
        ulong next = ip + length;

        // No switch: it would become a jump through a table.
        if (opcode == Call)
        {
            *rsp -= sizeof(ulong);
            *(ulong*)*rsp = next;
            next += (ulong)(long)Unsafe.ReadUnaligned<int>(code + 1);
        }
        else if (opcode == JmpNear)
        {
            next = ip + NearSize + (ulong)(long)Unsafe.ReadUnaligned<int>(code + 1);
        }
        else if (opcode == JmpShort)
        {
            next = ip + ShortSize + (ulong)(long)(sbyte)code[1];
        }
        else if (opcode == Ret)
        {
            next = *(ulong*)*rsp;
            *rsp += sizeof(ulong);
        }
        else if (opcode is >= Mov and <= Mov + 7)
        {
            *Ucontext.Register(context, opcode - Mov) = Unsafe.ReadUnaligned<uint>(code + 1);
        }

        // All other instructions are nops.
        *rip = next;
    }

    /// <summary>Length of the instruction at the start of <paramref name="code"/>, or 0 if it cannot be emulated.</summary>
    private static uint LengthOf(byte* code, uint length)
    {
        uint size = *code switch
        {
            Ret => 1,
            JmpShort => ShortSize,
            Call or JmpNear or (>= Mov and <= Mov + 7) => NearSize,
            _ => (uint)X86Instruction.NopLength(new ReadOnlySpan<byte>(code, (int)length)),
        };
        return size <= length ? size : 0;
    }

    private static bool FallsThrough(byte opcode) => opcode is not (JmpNear or JmpShort or Ret);

    private static bool AreNops(byte* code, uint length) => X86Instruction.AreNops(new ReadOnlySpan<byte>(code, (int)length));
}
