namespace Ftrace.Protocol;

/// <summary>
/// The protocol between a patcher and threads that run: breakpoints stand over the locations while their bytes change. After
/// text_poke_bp_batch() in the kernel's arch/x86/kernel/alternative.c, which took the place of the NMI protocol in 2012.
/// </summary>
/// <remarks>
/// <para>Who may run against whom:</para>
/// <code>
///                patcher         trap handler        NMI               thread
/// patcher        patch mutex     Active, Handlers    Armed, HeldNmis   the steps, SyncCores
/// trap handler                   reads only          not interrupted   same thread
/// </code>
/// <para>The steps of a change, in order; what comes before and after is <see cref="BreakpointSequence{TMachine, TSteps}"/>. At the start every location holds its old code, and SIGTRAP can be delivered to whoever
/// may execute one.</para>
/// <list type="number">
/// <item>the batch is published: traps execute the old code</item>
/// <item>a breakpoint on the first byte of every location; all cores serialize. From here on nobody begins to
/// execute a location's bytes: whoever arrives there traps</item>
/// <item>all other bytes; all cores serialize, so that no core has old ones beside a new first byte</item>
/// <item>traps execute the new code: the moment at which all of the batch changes; the first bytes; all cores
/// serialize, so that no core has a breakpoint left that an NMI could meet when the gate is closed</item>
/// <item>the batch is withdrawn, and kept until no trap handler looks at it</item>
/// </list>
/// <para>If a step fails, the same steps with the old code in place of the new one put everything back, whatever
/// was written. If that fails too, all stays as it is for good: the batch, <see cref="BreakpointState.Armed"/>, and
/// the gate.</para>
/// <para>A thread may stay in the kernel for long between the breakpoint and the handler; nobody sees it there, and no wait
/// covers it. If the batch is gone then, it finds no breakpoint at its address, and executes what is there; if the next
/// one is on, it executes what that one says.</para>
/// <para>A trap that is raised while SIGTRAP is blocked ends the process. So an announced NMI unblocks it, after the gate,
/// for as long as it runs. It must not do so while some context underneath, older than the gate, may have it
/// blocked: the patcher finds those by the thread's signal mask. Hence two phases: until the patcher has seen every
/// thread with SIGTRAP unblocked, NMIs leave their mask alone and are counted; then they are told to unblock
/// (<see cref="BreakpointState.Armed"/>), and those that were counted are waited for.</para>
/// </remarks>
[NoInstr]
internal static unsafe class BreakpointProtocol<TMachine>
    where TMachine : struct, IMachine
{
    /// <summary>
    /// After the gate of <c>ftrace_nmi_enter()</c>, if that is open. Any context; the thread's saved word has been pushed.
    /// </summary>
    public static void EnterNmi(BreakpointState* state, NmiThread* thread)
    {
        ulong level = NmiThread.Level(TMachine.Read(&thread->Saved));
        if (TMachine.Read(&state->Armed) == 0)
        {
            TMachine.AtomicIncReturn(&state->HeldNmis); // counted before looking again; pairs with [arm]
            if (TMachine.Read(&state->Armed, Step.SecondLook) == 0)
            {
                TMachine.Write(&thread->Held, TMachine.Read(&thread->Held) | level);
                return;
            }

            TMachine.AtomicDec(&state->HeldNmis);
        }

        if (TMachine.UnblockTrap())
        {
            TMachine.Write(&thread->Unblocked, TMachine.Read(&thread->Unblocked) | level);
        }
    }

    /// <summary>
    /// After the gate of <c>ftrace_nmi_exit()</c>, before the level is popped: undoes <see cref="EnterNmi"/>. Any context.
    /// </summary>
    public static void ExitNmi(BreakpointState* state, NmiThread* thread)
    {
        ulong level = NmiThread.Level(TMachine.Read(&thread->Saved));
        ulong unblocked = TMachine.Read(&thread->Unblocked);
        if ((unblocked & level) != 0)
        {
            TMachine.Write(&thread->Unblocked, unblocked & ~level);
            TMachine.BlockTrap();
        }

        ulong held = TMachine.Read(&thread->Held);
        if ((held & level) != 0)
        {
            TMachine.Write(&thread->Held, held & ~level);
            TMachine.SmpMbBeforeAtomic(Step.ExitHeld); // all that it executed is over before the patcher goes on. Free on x86.
            TMachine.AtomicDec(&state->HeldNmis);
        }
    }

    /// <summary>
    /// Makes NMIs unblock SIGTRAP, and waits for those that do not. Called with the gate open, when every thread
    /// has been seen with SIGTRAP unblocked since.
    /// </summary>
    /// <returns>0, or -errno if the machine gave up waiting.</returns>
    public static int Arm(BreakpointState* state)
    {
        TMachine.Write(&state->Armed, 1);
        TMachine.SmpMb(Step.Arm); // [arm] before counting; pairs with the increment in EnterNmi
        return WaitForNone(&state->HeldNmis);
    }

    /// <summary>Undoes <see cref="Arm"/>, when no breakpoint is left.</summary>
    public static void Disarm(BreakpointState* state) => TMachine.Write(&state->Armed, 0);

    /// <summary>Changes the batch in <paramref name="state"/>. Called when <see cref="Arm"/> has succeeded.</summary>
    /// <param name="state">Locations and Count are set.</param>
    /// <param name="stuck">True if it could not be put back either: breakpoints may be left, and the batch stays.</param>
    /// <returns>0, or -errno; then everything is as before, unless it is stuck.</returns>
    public static int Change(BreakpointState* state, out bool stuck)
    {
        TMachine.Write(&state->Code, (uint)PatchCode.Old);
        TMachine.Write(&state->Active, 1);
        TMachine.SmpMb(Step.PublishBatch); // [publish] before any breakpoint; whoever traps sees the batch. Free on x86: stores stay in order.

        int error = Steps(state, PatchCode.New);
        stuck = error != 0 && Steps(state, PatchCode.Old) != 0;
        if (!stuck)
        {
            Withdraw(state);
        }

        return error;
    }

    private static int Steps(BreakpointState* state, PatchCode code)
    {
        int error = WriteAndSync(TextPart.Breakpoint, code, Step.BreakpointSync);
        if (error != 0)
        {
            return error;
        }

        error = WriteAndSync(TextPart.Tail, code, Step.TailSync);
        if (error != 0)
        {
            return error;
        }

        TMachine.Write(&state->Code, (uint)code, Step.Turn);
        return WriteAndSync(TextPart.Head, code, Step.HeadSync);
    }

    private static int WriteAndSync(TextPart part, PatchCode code, Step sync)
    {
        int error = TMachine.WriteBatch(part, code);
        if (error != 0)
        {
            return error;
        }

        error = TMachine.SyncCores(sync);
        if (error == 0)
        {
            TMachine.SyncCore(sync); // this core, which the other call passes over if no other thread runs
        }

        return error;
    }

    private static void Withdraw(BreakpointState* state)
    {
        TMachine.Write(&state->Active, 0);
        TMachine.SmpMb(Step.Withdraw); // [withdraw] before counting; pairs with the increment in Trap
        WaitForNone(&state->Handlers);
    }

    /// <summary>
    /// A thread has executed a breakpoint. Called in the handler of SIGTRAP, with all signals blocked but faults.
    /// </summary>
    /// <param name="state">The shared words.</param>
    /// <param name="ip">Address of the breakpoint.</param>
    /// <param name="context">The thread's registers, for the machine.</param>
    public static TrapAction Trap(BreakpointState* state, ulong ip, void* context)
    {
        TMachine.AtomicIncReturn(&state->Handlers); // counted before looking; pairs with [withdraw]
        bool stood = TMachine.IsBreakpoint(ip, Step.LookBefore);
        TMachine.SmpRmb(); // pairs with [publish]: of our breakpoints the batch is seen. Free on x86.
        bool executed = TMachine.Read(&state->Active) != 0 && TMachine.Execute(ip, (PatchCode)TMachine.Read(&state->Code), context);

        // A trap may be delivered so late that the next batch is being put on, after we looked for it. So it is a
        // breakpoint of the host's only if it stood there before, and still does; no batch begins and ends in between.
        bool foreign = !executed && stood && TMachine.IsBreakpoint(ip, Step.LookAfter);
        TMachine.SmpMbBeforeAtomic(Step.TrapDone); // done with the batch. Free on x86.
        TMachine.AtomicDec(&state->Handlers);
        if (executed)
        {
            return TrapAction.Executed;
        }

        return foreign ? TrapAction.Foreign : TrapAction.Again;
    }

    private static int WaitForNone(uint* count)
    {
        uint turn = 0;
        for (uint seen = TMachine.Read(count); seen != 0; seen = TMachine.Read(count))
        {
            int error = TMachine.Relax(count, seen, turn++);
            if (error != 0)
            {
                return error;
            }
        }

        return 0;
    }
}
