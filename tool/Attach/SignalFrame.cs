using System;
using System.Buffers.Binary;

namespace Ftrace.Tool.Attach;

/// <summary>
/// The frame from which rt_sigreturn(2) restores a thread: <c>struct ucontext</c> with <c>struct sigcontext</c>,
/// <c>arch/x86/include/uapi/asm/sigcontext.h</c>.
/// </summary>
internal static class SignalFrame
{
    /// <summary>Its size: flags and link, the alternate stack, 32 words of registers, the mask.</summary>
    public const int Size = 40 + 256 + 8;

    /// <summary>cs of 64-bit code: __USER_CS</summary>
    public const ulong UserCode = 0x33;

    private const ulong ContextFlags = 7; // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS

    // sigaltstack(2) knows no such flag, and an error of it is passed over: the thread keeps its alternate stack, whatever it is.
    private const ulong KeepAlternateStack = 0x7777;

    private const int StackFlagsOffset = 24;
    private const int RegistersOffset = 40;
    private const int MaskOffset = 40 + 256;

    /// <summary>True if the kernel may have written such a frame here: the words that it always writes are there.</summary>
    /// <param name="words">From the first word after the return address on.</param>
    public static bool MayBegin(ReadOnlySpan<ulong> words)
    {
        const int Selectors = (RegistersOffset + 18 * 8) / 8;

        // gs and fs are 0.
        return words.Length * sizeof(ulong) >= Size && words[0] <= ContextFlags && words[1] == 0 && (words[Selectors] & 0xffff_ffff_ffff) == UserCode;
    }

    /// <param name="frame">Receives it.</param>
    /// <param name="registers">What the thread continues with; <see cref="Registers.OrigRax"/> does not matter.</param>
    /// <param name="mask">The signals that it blocks then.</param>
    /// <param name="extended">The address of its extended state; 0: the initial one.</param>
    public static void Write(Span<byte> frame, in Registers registers, ulong mask, ulong extended)
    {
        frame[..Size].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(frame, ContextFlags);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[StackFlagsOffset..], KeepAlternateStack);
        ReadOnlySpan<ulong> words =
        [
            registers.R8, registers.R9, registers.R10, registers.R11, registers.R12, registers.R13, registers.R14, registers.R15,
            registers.Rdi, registers.Rsi, registers.Rbp, registers.Rbx, registers.Rdx, registers.Rax, registers.Rcx, registers.Rsp,
            registers.Rip, registers.Flags, registers.Cs | registers.Ss << 48, 0, 0, mask, 0, extended,
        ];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(frame[(RegistersOffset + 8 * i)..], words[i]);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(frame[MaskOffset..], mask);
    }
}
