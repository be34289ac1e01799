using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The machine that ships: x86-64 under Linux. Each method is a single instruction or system call.</summary>
internal unsafe struct X86Threads : IThreadMachine
{
    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read(uint* word) => Volatile.Read(ref *word);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ulong* word) => Volatile.Read(ref *word);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(uint* word, uint value) => Volatile.Write(ref *word, value);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xchg(uint* word, uint value) => Interlocked.Exchange(ref *word, value);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xchg(ulong* word, ulong value) => Interlocked.Exchange(ref *word, value);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Cmpxchg(uint* word, uint expected, uint value) => Interlocked.CompareExchange(ref *word, value, expected);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Cmpxchg(ulong* word, ulong expected, ulong value) => Interlocked.CompareExchange(ref *word, value, expected);

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SmpMb() => Interlocked.MemoryBarrier();

    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CpuRelax() => X86Base.Pause();

    [NoInstr]
    public static void FutexWait(uint* word, uint value) => Futex.Wait(word, value);

    [NoInstr]
    public static void FutexWake(uint* word, int count) => Futex.Wake(word, count);

    public static bool Membarrier() => Linux.Membarrier.SyncCore();

    public static bool IsStopPending(int tid) => TaskFiles.IsPending(tid, StopState.Shared->Signal);

    [NoInstr]
    public static bool HasEnded(int pid, int tid) => Native.Syscall(SyscallNumber.Tgkill, pid, tid, 0) == -Errno.ESRCH;
}
