namespace Ftrace.Protocol;

/// <summary>
/// The machine on which the protocol runs. The shipped one is <c>X86Machine</c>, whose
/// methods are one instruction each; the tests have one that explores every interleaving.
/// </summary>
/// <remarks>
/// Memory operations are the kernel's: Read and Write are READ_ONCE and WRITE_ONCE, relaxed but not
/// torn; the atomic ones are full barriers, as the kernel demands of operations that return a value. A <see cref="Step"/> is for the tests only.
/// </remarks>
internal unsafe interface IMachine
{
    /// <summary>The words of <see cref="NmiProtocol{TMachine}"/>.</summary>
    static abstract ProtocolState* NmiWords { get; }

    /// <summary>The words of <see cref="BreakpointProtocol{TMachine}"/>.</summary>
    static abstract BreakpointState* BreakpointWords { get; }

    /// <summary>The words of <see cref="ReleaseProtocol{TMachine}"/>.</summary>
    static abstract ReleaseState* ReleaseWords { get; }

    static abstract uint Read(uint* word, Step step = Step.Unnamed);

    static abstract ulong Read(ulong* word);

    static abstract void Write(uint* word, uint value, Step step = Step.Unnamed);

    static abstract void Write(ulong* word, ulong value, Step step = Step.Unnamed);

    /// <summary>atomic_inc_return(): a full barrier.</summary>
    static abstract uint AtomicIncReturn(uint* word);

    /// <summary>atomic_dec(): orders nothing by itself.</summary>
    static abstract void AtomicDec(uint* word);

    /// <summary>atomic_cmpxchg(): returns what was there; a full barrier if it succeeded.</summary>
    static abstract uint AtomicCmpxchg(uint* word, uint expected, uint value);

    /// <summary>atomic_andnot(): clears bits; orders nothing by itself.</summary>
    static abstract void AtomicAndNot(uint* word, uint bits, Step step);

    /// <summary>smp_mb(): a full barrier.</summary>
    static abstract void SmpMb(Step step);

    /// <summary>smp_mb__before_atomic(): a full barrier, given that an atomic operation follows.</summary>
    static abstract void SmpMbBeforeAtomic(Step step);

    /// <summary>smp_mb__after_atomic(): a full barrier, given that an atomic operation precedes.</summary>
    static abstract void SmpMbAfterAtomic(Step step);

    /// <summary>smp_rmb(): loads before it are done before loads after it.</summary>
    static abstract void SmpRmb();

    /// <summary>sync_core(): what this CPU fetched before is forgotten.</summary>
    static abstract void SyncCore(Step step);

    /// <summary>probe_kernel_write(): writes text; 0 or -errno, never a fault.</summary>
    static abstract int WriteText(ulong ip, ulong newcode, uint len);

    /// <summary>
    /// cpu_relax() in a wait of the patcher for <paramref name="word"/> to change; <paramref name="turn"/> counts the turns of this
    /// wait, from 0.
    /// </summary>
    static abstract void RelaxPatcher(uint* word, uint seen, uint turn);

    /// <summary>Parks the calling thread for the stop that <paramref name="cookie"/> names, if that is still on.</summary>
    static abstract void Park(ulong cookie, void* context);

    /// <summary>An announced NMI has left; blocks here if NMIs are being drained.</summary>
    static abstract void AfterNmi(NmiThread* thread);

    /// <summary>Counts a stop request that was deferred.</summary>
    static abstract void CountDeferredStop();

    /// <summary>Writes a part of every location of the breakpoint method's batch; 0 or -errno.</summary>
    static abstract int WriteBatch(TextPart part, PatchCode code);

    /// <summary>
    /// sync_core() on every other core that runs a thread of the process, and a full barrier on it; 0 or -errno. A full barrier here.
    /// </summary>
    static abstract int SyncCores(Step step);

    /// <summary>
    /// Executes one of the two codes of a location in place of its breakpoint.
    /// </summary>
    /// <returns>False if no location of the batch is there.</returns>
    static abstract bool Execute(ulong ip, PatchCode code, void* context);

    /// <summary>True if there is a breakpoint at <paramref name="ip"/>.</summary>
    static abstract bool IsBreakpoint(ulong ip, Step step);

    /// <summary>Makes SIGTRAP deliverable in this context; true if it was not.</summary>
    static abstract bool UnblockTrap();

    /// <summary>Blocks SIGTRAP in this context.</summary>
    static abstract void BlockTrap();

    /// <summary>cpu_relax() in a wait of the breakpoint method for <paramref name="word"/> to change.</summary>
    /// <returns>0, or -errno to give up.</returns>
    static abstract int Relax(uint* word, uint seen, uint turn);
}
