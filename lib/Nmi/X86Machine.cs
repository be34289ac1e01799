using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Nmi;

/// <summary>The machine that ships: x86-64 under Linux. Each method is a single instruction where there is one.</summary>
[NoInstr]
internal unsafe struct X86Machine : IMachine
{
    /// <summary>The system call may fail with ENOMEM.</summary>
    private const int SyncTries = 1000;

    /// <summary>Some milliseconds.</summary>
    private const uint TurnsBeforeSleep = 1 << 16;

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMb() => Interlocked.MemoryBarrier();

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

    /// <summary>Nothing: x86 keeps loads in order, and the compiler does not reorder volatile reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpRmb()
    {
    }

    public static void SyncCore() => Native.SyncCore();

    public static int WriteText(ulong ip, ulong newcode, uint len) => TextWriter.Write(ip, (byte*)newcode, len);

    /// <summary>Spins; if NMIs still run after a few milliseconds, drains them.</summary>
    public static void RelaxPatcher(uint turn)
    {
        X86Base.Pause();
        if (turn % NmiDrain.SpinsPerCheck == 0)
        {
            NmiDrain.Check(turn);
        }
    }

    public static void Park(ulong cookie, void* context) => Parking.Park(cookie, context);

    public static void AfterNmi(NmiThread* thread) => NmiDrain.AfterNmi(thread);

    public static void CountDeferredStop() => Interlocked.Increment(ref StopState.Shared->DeferredStops);

    public static int WriteBatch(TextPart part, bool old)
    {
        TrapState* state = TrapState.Shared;
        return TextWriter.WriteAll(TextState.Shared, state->Locations, state->Count, part, old);
    }

    /// <summary>membarrier(2) does not serialize the caller's CPU if no other thread runs.</summary>
    public static int SyncCores()
    {
        for (int tries = 0; tries < SyncTries; tries++)
        {
            if (Membarrier.SyncCore())
            {
                Native.SyncCore();
                return 0;
            }
        }

        return -Errno.EPERM;
    }

    public static bool Execute(ulong ip, uint code, void* context) => TrapBatch.Execute(ip, code, context);

    public static bool IsBreakpoint(ulong ip) => Volatile.Read(ref *(byte*)ip) == X86Instruction.Int3;

    public static bool UnblockTrap()
    {
        ulong trap = SignalSet.Of(SignalSet.Sigtrap);
        return (SignalSet.BlockLess(trap) & trap) != 0;
    }

    public static void BlockTrap() => SignalSet.BlockMore(SignalSet.Of(SignalSet.Sigtrap));

    /// <summary>Only a wait for NMIs has a deadline: trap handlers end by themselves.</summary>
    public static bool Relax(uint* word, uint seen, uint turn)
    {
        X86Base.Pause();
        if (turn % NmiDrain.SpinsPerCheck != NmiDrain.SpinsPerCheck - 1)
        {
            return true;
        }

        Clock.Yield(turn > TurnsBeforeSleep ? Clock.NsPerMs : 0);
        return word != &TrapState.Shared->Protocol.HeldNmis || Clock.NowNs() < StopState.Shared->DeadlineNs;
    }
}
