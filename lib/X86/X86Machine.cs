using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Stop;

namespace Ftrace.X86;

/// <summary>The machine that ships: x86-64 under Linux. One instruction a method where there is one.</summary>
[NoInstr]
internal unsafe struct X86Machine : IMachine
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read(uint* word) => Volatile.Read(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ulong* word) => Volatile.Read(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(uint* word, uint value) => Volatile.Write(ref *word, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ulong* word, ulong value) => Volatile.Write(ref *word, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AtomicIncReturn(uint* word) => Interlocked.Increment(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AtomicDec(uint* word) => Interlocked.Decrement(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AtomicCmpxchg(uint* word, uint expected, uint value) =>
        Interlocked.CompareExchange(ref *word, value, expected);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AtomicAndNot(uint* word, uint bits) => Interlocked.And(ref *word, ~bits);

    /// <summary>Nothing: the locked instruction beside it is the barrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMbBeforeAtomic()
    {
    }

    /// <summary>Nothing: the locked instruction beside it is the barrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMbAfterAtomic()
    {
    }

    /// <summary>Nothing: x86 keeps loads in order, and the reads are volatile for the compiler.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpRmb()
    {
    }

    public static void SyncCore() => Native.SyncCore();

    /// <summary>
    /// Plain stores: the patcher has made the pages writable and faulted them in before it announced
    /// anything, so this cannot fail.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WriteText(ulong ip, ulong newcode, uint len)
    {
        byte* to = (byte*)ip;
        byte* from = (byte*)newcode;
        if (len == X86Instruction.CallSize)
        {
            Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<uint>(from));
            to[4] = from[4];
            return 0;
        }

        for (uint i = 0; i < len; i++)
        {
            Volatile.Write(ref to[i], from[i]);
        }

        return 0;
    }

    /// <summary>Spins; when the NMIs have not drained after a few milliseconds, asks for no new ones.</summary>
    public static void RelaxPatcher(uint turn)
    {
        X86Base.Pause();
        if (turn % NmiDrain.TurnsBetweenLooks == 0)
        {
            NmiDrain.Look(turn);
        }
    }

    public static void Park(ulong cookie, void* context) => StopHandler.Park(cookie, context);

    public static void AfterNmi(NmiThread* thread) => NmiDrain.AfterNmi(thread);

    public static void CountDeferredStop() => StopHandler.CountDeferredStop();
}
