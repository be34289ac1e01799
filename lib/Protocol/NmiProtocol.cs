namespace Ftrace.Protocol;

/// <summary>
/// The protocol between a patcher and NMIs, after the Linux kernel's arch/x86/kernel/ftrace.c as of
/// "ftrace: Remove memory barriers from NMI code when not needed" (25 February 2010).
/// </summary>
/// <remarks>
/// <para>Who may run against whom:</para>
/// <code>
///                  patcher        NMI             thread
/// patcher          patch mutex    this protocol   parked
/// NMI              this protocol  this protocol   own words only
/// thread           parked         own words only  -
/// </code>
/// <para>The fast path, a few instructions, is in include/ftrace/nmi-inline.h: push the gate onto the
/// thread's saved word, and come here, by <see cref="NmiPath{TMachine}"/>, only if it is open.</para>
/// <para>Why no byte changes under anybody who executes it. All threads stand still, so only NMIs
/// execute. Every NMI that could is announced: it either entered after the gate opened, or its thread
/// was parked since, with the NMI underneath. The patcher sets the flag only when no announced NMI
/// runs, in one step with looking (so no NMI slips in between). An NMI that enters while the flag is
/// set writes the new bytes itself before it executes them; the patcher, and other NMIs, then write the
/// same bytes over them, which changes nothing. An NMI that enters after the flag was cleared finds
/// the bytes complete. Before the next location is announced, the patcher waits again until nobody
/// runs, because an NMI that saw the flag may have yet to read which location it was about.</para>
/// <para>On x86 (TSO) loads stay in order with loads, stores with stores, and a locked instruction is a full
/// barrier. Steps that these rules make redundant are written all the same, and marked "free on x86":
/// they compile to nothing, and tell what the algorithm needs.</para>
/// </remarks>
[NoInstr]
internal static unsafe class NmiProtocol<TMachine>
    where TMachine : struct, IMachine
{
    /// <summary>Opens the gate. Called with the patch mutex held, before the other threads are parked.</summary>
    /// <remarks>
    /// No barrier: an NMI that still reads 0 runs on a thread that is not parked yet, and parking it
    /// orders this store before everything that the thread does later.
    /// </remarks>
    public static void Prepare(ulong* modifyingCode) => TMachine.Write(modifyingCode, 1);

    /// <summary>Closes the gate. NMIs that entered through the open one leave by their saved copy.</summary>
    /// <param name="modifyingCode">The gate.</param>
    /// <param name="killed">
    /// 1: a change could be neither completed nor put back; NMIs go on to announce themselves, for the breakpoints that are left.
    /// </param>
    public static void PostProcess(ulong* modifyingCode, uint* killed)
    {
        if (TMachine.Read(killed) == 0)
        {
            TMachine.Write(modifyingCode, 0);
        }
    }

    /// <summary>
    /// After the gate of <c>ftrace_nmi_enter()</c>, if that is open. Any context; the thread's saved word has been pushed.
    /// </summary>
    public static void EnterAnnounced(ProtocolState* state)
    {
        if ((TMachine.AtomicIncReturn(&state->NmiRunning) & ProtocolState.ModCodeWriteFlag) != 0)
        {
            TMachine.SmpRmb(); // flag before buffers; pairs with [publish]. Free on x86.
            WriteAnnounced(state);
            TMachine.AtomicIncReturn(&state->NmiUpdateCount);
        }

        TMachine.SmpMbAfterAtomic(Step.Enter); // our write, or the patcher's, before executing it; pairs with [written]. Free on x86.
        TMachine.SyncCore(Step.Enter);
    }

    /// <summary>
    /// After the gate of <c>ftrace_nmi_exit()</c>: the innermost level's bit is set. Any context.
    /// </summary>
    public static void ExitAnnounced(ProtocolState* state, NmiThread* thread)
    {
        TMachine.SmpMbBeforeAtomic(Step.Exit); // all that this NMI executed before it is gone; pairs with [set flag]. Free on x86.
        TMachine.AtomicDec(&state->NmiRunning);

        ulong saved = TMachine.Read(&thread->Saved) >> 1;
        TMachine.Write(&thread->Saved, saved, Step.Pop);

        // A stop that came while a bit was set has only been noted. Look after the pop: one that comes
        // between the decrement and the pop is noted as well; one that comes after it parks by itself.
        if (NmiThread.IsAnnounced(saved))
        {
            return;
        }

        ulong pending = TMachine.Read(&thread->StopPending);
        if (pending != 0)
        {
            TMachine.Write(&thread->StopPending, 0);
            TMachine.Park(pending, null);
        }

        TMachine.AfterNmi(thread);
    }

    /// <summary>
    /// The stop signal has arrived. Called in its handler, with everything blocked but NMIs and faults.
    /// </summary>
    /// <remarks>
    /// In the kernel stop_machine() cannot interrupt an NMI; here it can. Parked inside an announced
    /// NMI, the thread would hold <see cref="ProtocolState.NmiRunning"/> above 0 for as long as the
    /// patcher waits for it to become 0. Inside an NMI that is not announced nobody waits for it.
    /// </remarks>
    public static void StopRequested(NmiThread* thread, ulong cookie, void* context)
    {
        if (!DeferStop(thread, cookie))
        {
            TMachine.Park(cookie, context);
        }
    }

    /// <summary>
    /// Notes a stop for the time when the thread has left its announced NMIs. Called by the thread itself in the stop signal's handler,
    /// or by another one while it stands still, seized, wherever it was.
    /// </summary>
    /// <returns>False if the thread is in none, and may stand still here.</returns>
    public static bool DeferStop(NmiThread* thread, ulong cookie)
    {
        if (!NmiThread.IsAnnounced(TMachine.Read(&thread->Saved)))
        {
            return false;
        }

        TMachine.Write(&thread->StopPending, cookie);
        TMachine.CountDeferredStop();
        return true;
    }

    /// <summary>
    /// Changes one location, or a unit of several that <c>TMachine.WriteText</c> writes at once. Called by the patcher with
    /// the gate open and every other thread parked.
    /// </summary>
    /// <returns>0, or -errno if it cannot be written.</returns>
    public static int ModifyCode(ProtocolState* state, ulong ip, byte* newcode, uint len)
    {
        TMachine.Write(&state->ModCodeIp, ip);
        TMachine.Write(&state->ModCodeNewcode, (ulong)newcode);
        TMachine.Write(&state->ModCodeLen, len);
        TMachine.SmpMbBeforeAtomic(Step.Publish); // [publish] buffers before flag. Free on x86: the next step is locked.

        WaitForNmiAndSetFlag(state); // [set flag] nobody runs, and whoever comes now writes first
        TMachine.SmpMbAfterAtomic(Step.SetFlag); // before our own write. Free on x86.

        WriteAnnounced(state);

        TMachine.SmpMbBeforeAtomic(Step.Written); // [written] bytes before the flag is clear. Free on x86.
        TMachine.AtomicAndNot(&state->NmiRunning, ProtocolState.ModCodeWriteFlag, Step.Written);

        WaitForNmi(state); // an NMI that saw the flag may not have read the buffers yet
        return (int)TMachine.Read((uint*)&state->ModCodeStatus);
    }

    /// <summary>Writes the announced bytes. Called by whoever saw the flag set, the patcher included.</summary>
    private static void WriteAnnounced(ProtocolState* state)
    {
        int status = TMachine.WriteText(
            TMachine.Read(&state->ModCodeIp),
            TMachine.Read(&state->ModCodeNewcode),
            TMachine.Read(&state->ModCodeLen));
        TMachine.Write((uint*)&state->ModCodeStatus, (uint)status);

        if (status != 0)
        {
            // Keep further NMIs from trying what cannot work.
            TMachine.AtomicAndNot(&state->NmiRunning, ProtocolState.ModCodeWriteFlag, Step.WriteFailed);
        }
    }

    /// <summary>Waits until no announced NMI runs and sets the flag, in one step.</summary>
    private static void WaitForNmiAndSetFlag(ProtocolState* state)
    {
        uint seen = TMachine.AtomicCmpxchg(&state->NmiRunning, 0, ProtocolState.ModCodeWriteFlag);
        if (seen == 0)
        {
            return;
        }

        uint turn = 0;
        do
        {
            TMachine.RelaxPatcher(&state->NmiRunning, seen, turn++);
            seen = TMachine.AtomicCmpxchg(&state->NmiRunning, 0, ProtocolState.ModCodeWriteFlag);
        }
        while (seen != 0);

        TMachine.Write(&state->NmiWaitCount, TMachine.Read(&state->NmiWaitCount) + 1);
    }

    /// <summary>Waits until no announced NMI runs.</summary>
    private static void WaitForNmi(ProtocolState* state)
    {
        uint seen = TMachine.Read(&state->NmiRunning);
        if (seen == 0)
        {
            return;
        }

        uint turn = 0;
        do
        {
            TMachine.RelaxPatcher(&state->NmiRunning, seen, turn++);
            seen = TMachine.Read(&state->NmiRunning);
        }
        while (seen != 0);

        TMachine.Write(&state->NmiWaitCount, TMachine.Read(&state->NmiWaitCount) + 1);
    }
}
