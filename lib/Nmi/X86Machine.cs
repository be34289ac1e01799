using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Nmi;

/// <summary>The machine that ships: x86-64. Each method is a single instruction where there is one.</summary>
[NoInstr]
internal unsafe partial struct X86Machine : IMachine
{
    /// <summary>The system call may fail with ENOMEM.</summary>
    private const int SyncTries = 1000;

    /// <summary>Some milliseconds.</summary>
    private const uint TurnsBeforeSleep = 1 << 16;

    public static ProtocolState* NmiWords => X86Nmi.State;

    public static BreakpointState* BreakpointWords => &TrapState.Shared->Protocol;

    public static ReleaseState* ReleaseWords => &StopState.Shared->Release;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read(uint* word, Step step) => Volatile.Read(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ulong* word) => Volatile.Read(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(uint* word, uint value, Step step) => Volatile.Write(ref *word, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ulong* word, ulong value, Step step) => Volatile.Write(ref *word, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AtomicIncReturn(uint* word) => Interlocked.Increment(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AtomicDec(uint* word) => Interlocked.Decrement(ref *word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AtomicCmpxchg(uint* word, uint expected, uint value) =>
        Interlocked.CompareExchange(ref *word, value, expected);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AtomicAndNot(uint* word, uint bits, Step step) => Interlocked.And(ref *word, ~bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMb(Step step) => Interlocked.MemoryBarrier();

    /// <summary>Nothing: the locked instruction beside it is the barrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMbBeforeAtomic(Step step)
    {
    }

    /// <summary>Nothing: the locked instruction beside it is the barrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMbAfterAtomic(Step step)
    {
    }

    /// <summary>Nothing: x86 keeps loads in order, and the compiler does not reorder volatile reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpRmb()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SyncCore(Step step) => Native.SyncCore();

    public static int WriteText(ulong ip, ulong newcode, uint len) => TextWriter.Write(ip, (byte*)newcode, len);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RelaxPatcher(uint* word, uint seen, uint turn) => Relax(turn);

    /// <summary>Spins; if NMIs still run after a few milliseconds, drains them.</summary>
    private static void Relax(uint turn)
    {
        X86Base.Pause();
        if (turn % NmiDrain.SpinsPerCheck == 0)
        {
            NmiDrain.Check(turn);
        }
    }

    public static void AfterNmi(NmiThread* thread) => NmiDrain.AfterNmi(thread);

    public static void CountDeferredStop() => Interlocked.Increment(ref StopState.Shared->DeferredStops);

    public static int WriteBatch(TextPart part, PatchCode code)
    {
        TrapState* state = TrapState.Shared;
        return TextWriter.WriteAll(TextState.Shared, state->Locations, state->Count, part, code);
    }

    /// <summary>membarrier(2).</summary>
    public static int SyncCores(Step step)
    {
        for (int tries = 0; tries < SyncTries; tries++)
        {
            if (Membarrier.SyncCore())
            {
                return 0;
            }
        }

        return -Errno.EPERM;
    }

    public static bool Execute(ulong ip, PatchCode code, void* context) => TrapBatch.Execute(ip, code, context);

    public static bool IsBreakpoint(ulong ip, Step step) => Volatile.Read(ref *(byte*)ip) == X86Instruction.Int3;

    /// <summary>Only a wait for NMIs has a deadline: trap handlers end by themselves.</summary>
    public static int Relax(uint* word, uint seen, uint turn)
    {
        X86Base.Pause();
        if (turn % NmiDrain.SpinsPerCheck != NmiDrain.SpinsPerCheck - 1)
        {
            return 0;
        }

        Clock.Yield(turn > TurnsBeforeSleep ? Clock.NsPerMs : 0);
        bool goesOn = word != &TrapState.Shared->Protocol.HeldNmis || Clock.NowNs() < StopState.Shared->DeadlineNs;
        return goesOn ? 0 : -Errno.ETIMEDOUT;
    }
}
