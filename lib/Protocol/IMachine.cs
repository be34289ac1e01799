namespace Ftrace.Protocol;

/// <summary>
/// The machine on which the protocol runs. The shipped one is <c>X86Machine</c>, whose
/// methods are one instruction each; the tests have one that explores every interleaving.
/// </summary>
/// <remarks>
/// Memory operations are the kernel's: Read and Write are READ_ONCE and WRITE_ONCE, relaxed but not
/// torn; the atomic ones are full barriers, as the kernel demands of operations that return a value.
/// </remarks>
internal unsafe interface IMachine
{
    static abstract uint Read(uint* word);

    static abstract ulong Read(ulong* word);

    static abstract void Write(uint* word, uint value);

    static abstract void Write(ulong* word, ulong value);

    /// <summary>atomic_inc_return(): a full barrier.</summary>
    static abstract uint AtomicIncReturn(uint* word);

    /// <summary>atomic_dec(): orders nothing by itself.</summary>
    static abstract void AtomicDec(uint* word);

    /// <summary>atomic_cmpxchg(): returns what was there; a full barrier if it succeeded.</summary>
    static abstract uint AtomicCmpxchg(uint* word, uint expected, uint value);

    /// <summary>atomic_andnot(): clears bits; orders nothing by itself.</summary>
    static abstract void AtomicAndNot(uint* word, uint bits);

    /// <summary>smp_mb(): a full barrier.</summary>
    static abstract void SmpMb();

    /// <summary>smp_mb__before_atomic(): a full barrier, given that an atomic operation follows.</summary>
    static abstract void SmpMbBeforeAtomic();

    /// <summary>smp_mb__after_atomic(): a full barrier, given that an atomic operation went before.</summary>
    static abstract void SmpMbAfterAtomic();

    /// <summary>smp_rmb(): loads before it are done before loads after it.</summary>
    static abstract void SmpRmb();

    /// <summary>sync_core(): what this CPU fetched before is forgotten.</summary>
    static abstract void SyncCore();

    /// <summary>probe_kernel_write(): writes text; 0 or -errno, never a fault.</summary>
    static abstract int WriteText(ulong ip, ulong newcode, uint len);

    /// <summary>cpu_relax() in a loop of the patcher; <paramref name="turn"/> counts the turns of this wait, from 0.</summary>
    static abstract void RelaxPatcher(uint turn);

    /// <summary>Parks the calling thread for the stop that <paramref name="cookie"/> names, if that is still on.</summary>
    static abstract void Park(ulong cookie, void* context);

    /// <summary>An announced NMI has left; blocks here if NMIs are being drained.</summary>
    static abstract void AfterNmi(NmiThread* thread);

    /// <summary>Counts a stop request that was deferred.</summary>
    static abstract void CountDeferredStop();

    /// <summary>Writes a part of every location of the breakpoint method's batch; 0 or -errno.</summary>
    static abstract int WriteBatch(TextPart part, bool old);

    /// <summary>sync_core() on every core that runs a thread of the process; 0 or -errno.</summary>
    static abstract int SyncCores();

    /// <summary>
    /// Executes a location's code in place of its breakpoint; <paramref name="code"/> is 0 for the old, 1 for the new.
    /// </summary>
    /// <returns>False if no location of the batch is there.</returns>
    static abstract bool Execute(ulong ip, uint code, void* context);

    /// <summary>True if a breakpoint stands at <paramref name="ip"/>.</summary>
    static abstract bool IsBreakpoint(ulong ip);

    /// <summary>Makes SIGTRAP deliverable in this context; true if it was not.</summary>
    static abstract bool UnblockTrap();

    /// <summary>Blocks SIGTRAP in this context.</summary>
    static abstract void BlockTrap();

    /// <summary>cpu_relax() in a wait of the breakpoint method for <paramref name="word"/> to change.</summary>
    /// <returns>False to give up.</returns>
    static abstract bool Relax(uint* word, uint seen, uint turn);
}
