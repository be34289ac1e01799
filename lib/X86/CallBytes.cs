using System.Runtime.CompilerServices;

namespace Ftrace.X86;

/// <summary>Code of the size of a call, as most of what is changed is: a word of four bytes, and one byte.</summary>
[NoInstr]
internal static unsafe class CallBytes
{
    private const int Last = X86Instruction.CallSize - 1;

    /// <summary>The nop of that size that is written, <see cref="X86Instruction.Nop5"/>.</summary>
    public static byte* Nop
    {
        get
        {
            fixed (byte* nop = X86Instruction.Nop5)
            {
                return nop; // a literal: it stays where it is
            }
        }
    }

    /// <summary>The first four bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Word(byte* code) => Unsafe.ReadUnaligned<uint>(code);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* from, byte* to)
    {
        Unsafe.WriteUnaligned(to, Word(from));
        to[Last] = from[Last];
    }

    /// <summary>Not 0 if they are not the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Difference(byte* a, byte* b) => (Word(a) ^ Word(b)) | (uint)(a[Last] ^ b[Last]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreSame(byte* a, byte* b) => Word(a) == Word(b) && a[Last] == b[Last];
}
