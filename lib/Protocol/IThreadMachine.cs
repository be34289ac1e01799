namespace Ftrace.Protocol;

/// <summary>
/// The machine on which the protocols between threads run: shared words, and the system calls that belong to them. The shipped one
/// is <c>X86Threads</c>; the tests have one that explores every interleaving.
/// </summary>
/// <remarks>Memory operations are the kernel's, as in <see cref="IMachine"/>.</remarks>
internal unsafe interface IThreadMachine
{
    static abstract uint Read(uint* word);

    static abstract ulong Read(ulong* word);

    static abstract void Write(uint* word, uint value);

    /// <summary>xchg(): returns what was there; a full barrier.</summary>
    static abstract uint Xchg(uint* word, uint value);

    /// <summary>xchg(): returns what was there; a full barrier.</summary>
    static abstract ulong Xchg(ulong* word, ulong value);

    /// <summary>cmpxchg(): returns what was there; a full barrier if it succeeded.</summary>
    static abstract uint Cmpxchg(uint* word, uint expected, uint value);

    /// <summary>cmpxchg(): returns what was there; a full barrier if it succeeded.</summary>
    static abstract ulong Cmpxchg(ulong* word, ulong expected, ulong value);

    /// <summary>smp_mb(): a full barrier.</summary>
    static abstract void SmpMb();

    /// <summary>cpu_relax().</summary>
    static abstract void CpuRelax();

    /// <summary>futex(2): sleeps if <paramref name="word"/> holds <paramref name="value"/>, until it is woken; may wake early.</summary>
    static abstract void FutexWait(uint* word, uint value);

    /// <summary>futex(2): wakes at most <paramref name="count"/> sleepers.</summary>
    static abstract void FutexWake(uint* word, int count);

    /// <summary>membarrier(2): a full barrier on every core that runs a thread of the process. False if the system has none.</summary>
    static abstract bool Membarrier();

    /// <summary>True if the stop signal waits to be delivered to a thread.</summary>
    static abstract bool IsStopPending(int tid);

    /// <summary>True if the process has no such thread.</summary>
    static abstract bool HasEnded(int pid, int tid);
}
