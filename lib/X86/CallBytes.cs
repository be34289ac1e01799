using System.Runtime.CompilerServices;

namespace Ftrace.X86;

/// <summary>Code of the size of a call, as at most locations: a word of four bytes, and one byte.</summary>
internal static unsafe class CallBytes
{
    private const int Last = X86Instruction.CallSize - 1;

    /// <summary>The nop of that size that the library writes, <see cref="X86Instruction.Nop5"/>.</summary>
    public static byte* Nop
    {
        get
        {
            fixed (byte* nop = X86Instruction.Nop5)
            {
                return nop; // a literal, which never moves
            }
        }
    }

    /// <summary>The first four bytes.</summary>
    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Word(byte* code) => Unsafe.ReadUnaligned<uint>(code);

    /// <summary>The last byte.</summary>
    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Tail(byte* code) => code[Last];

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* from, byte* to)
    {
        Unsafe.WriteUnaligned(to, Word(from));
        to[Last] = Tail(from);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreSame(byte* a, byte* b) => Word(a) == Word(b) && Tail(a) == Tail(b);
}
