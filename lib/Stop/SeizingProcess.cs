using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>
/// The process that seizes threads: it shares this one's memory, and executes the commands of <see cref="Seizer"/>. It has to be another
/// process, because a thread cannot trace its siblings; the sanitizers' stop-the-world does the same.
/// </summary>
/// <remarks>
/// <para>Who may run against whom: the patcher waits for each command, so the two take turns, except that the patcher
/// sends signals and waits for parked threads while threads are being stopped here. The process may read and write the words of a thread
/// that stands still: the kernel has saved its registers, and its store buffer is empty.</para>
/// <para>It runs with every signal blocked. The words and the fs base that it would find are those of the thread that created it, so it uses
/// neither.</para>
/// <para>It ends by the release, or when the thread that created it ends (PR_SET_PDEATHSIG). An exec in another thread makes that
/// happen: otherwise the exec would wait for the tracer to wait for its threads, and PTRACE_SEIZE would wait for the exec. The kernel then
/// resumes all threads.</para>
/// </remarks>
[NoInstr]
internal static unsafe class SeizingProcess
{
    private const nint SetParentDeathSignal = 1;

    /// <summary>How long it waits for the second command.</summary>
    private const long PatienceNs = 10 * Clock.NsPerSecond;

    /// <summary>How long it sleeps at most before it checks whether the patcher has given up, or has found that a thread has ended.</summary>
    private const long SliceNs = 2 * Clock.NsPerMs;

    public static void Run(void* data)
    {
        var state = (SeizeState*)data;
        Native.Syscall(SyscallNumber.Prctl, SetParentDeathSignal, SignalSet.Sigkill);

        // The host may ignore SIGCHLD, which this process must not: it reports that a thread has stopped.
        KernelSigaction.Reset(SignalSet.Sigchld);

        state->AbandonedNs = Clock.NowNs() + PatienceNs;
        uint seen = 0;
        uint done = 0;
        do
        {
            uint command = Volatile.Read(ref state->Command);
            if (command != seen && command != done)
            {
                seen = command;
                done = Execute(state, command);
            }
            else if (IsAbandoned(state))
            {
                return;
            }
            else
            {
                Futex.Wait(&state->Command, command, SeizeCommand.IsFirst(command) ? Clock.NsPerSecond : 0);
            }
        }
        while ((done & SeizeCommand.Kind) != SeizeCommand.Release);
    }

    /// <summary>
    /// True if no second command has come for long: the thread that created this process may have ended before PR_SET_PDEATHSIG was set.
    /// </summary>
    private static bool IsAbandoned(SeizeState* state) =>
        SeizeCommand.IsFirst(Volatile.Read(ref state->Command)) && Clock.NowNs() >= state->AbandonedNs;

    private static void Report(SeizeState* state, uint done)
    {
        Volatile.Write(ref state->Done, done);
        Futex.Wake(&state->Done, 1);
    }

    /// <returns>The last command that has been executed.</returns>
    private static uint Execute(SeizeState* state, uint command)
    {
        uint kind = command & SeizeCommand.Kind;
        if (kind is SeizeCommand.Attach or SeizeCommand.AttachOnly)
        {
            bool goesOn = Attach(state) && kind == SeizeCommand.Attach;
            state->StopStartNs = goesOn && state->StopStartNs == 0 ? Clock.NowNs() : state->StopStartNs;
            Report(state, command);
            if (!goesOn)
            {
                return command;
            }

            uint next = SeizeCommand.Next(command, SeizeCommand.Stop);
            Stop(state, command, next);
            command = next;
        }
        else if (kind == SeizeCommand.Stop)
        {
            Stop(state, command, command);
        }
        else if (kind == SeizeCommand.Search)
        {
            Search(state);
        }
        else
        {
            Release(state);
        }

        Report(state, command);
        return command;
    }

    /// <returns>False if some threads are refused.</returns>
    private static bool Attach(SeizeState* state)
    {
        bool all = true;
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            if (record->Seize == SeizeStatus.Wanted)
            {
                int error = Ptrace.Seize(record->Tid);
                record->SeizeError = error;
                record->Seize = StatusOf(error);
                all &= record->Seize != SeizeStatus.Refused;
            }
        }

        return all;
    }

    private static uint StatusOf(int error)
    {
        if (error == 0)
        {
            return SeizeStatus.Attached;
        }

        return error == -Errno.ESRCH ? SeizeStatus.Gone : SeizeStatus.Refused;
    }

    /// <param name="state">What it shares with the patcher.</param>
    /// <param name="last">The patcher still waits for this command,</param>
    /// <param name="command">or for this one.</param>
    private static void Stop(SeizeState* state, uint last, uint command)
    {
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            if (record->Seize == SeizeStatus.Attached)
            {
                // A thread that has ended stays listed until it is waited for.
                Ptrace.Interrupt(record->Tid);
                record->Seize = SeizeStatus.Interrupted;
            }
        }

        // Returns before all have stopped if the patcher has given up.
        while (!HaveStopped(state) && Volatile.Read(ref state->Command) is var now && (now == last || now == command) && !IsAbandoned(state))
        {
            ulong child = SignalSet.Of(SignalSet.Sigchld);
            Timespec slice;
            slice.Seconds = 0;
            slice.Nanoseconds = SliceNs;
            Native.Syscall(SyscallNumber.RtSigtimedwait, (nint)(&child), 0, (nint)(&slice), sizeof(ulong));
        }
    }

    private static bool HaveStopped(SeizeState* state)
    {
        int status;
        int tid = Ptrace.WaitAny(&status);
        for (; tid > 0; tid = Ptrace.WaitAny(&status))
        {
            ThreadRecord* record = RecordOf(state, tid);
            if (record == null)
            {
                continue;
            }

            if (!Ptrace.IsStopped(status))
            {
                Volatile.Write(ref record->Seize, SeizeStatus.Gone);
                continue;
            }

            record->InterceptedSignal = Ptrace.SignalOf(status);
            Inspect(state, record);
        }

        bool all = true;
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            if (Volatile.Read(ref record->Seize) != SeizeStatus.Interrupted)
            {
                continue;
            }

            if (tid == -Errno.ECHILD)
            {
                Volatile.Write(ref record->Seize, SeizeStatus.Gone);
                continue;
            }

            all = false;
        }

        return all;
    }

    /// <summary>The record of a thread that was asked to stop and has not stopped yet; null if it is no such thread.</summary>
    private static ThreadRecord* RecordOf(SeizeState* state, int tid)
    {
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            if (record->Tid == tid && Volatile.Read(ref record->Seize) == SeizeStatus.Interrupted)
            {
                return record;
            }
        }

        return null;
    }

    /// <summary>
    /// Inspects a thread that has stopped. It stays stopped, unless it is in an announced NMI or on its way to park: then it is resumed, and
    /// parks by itself, as soon as it has left the NMI.
    /// </summary>
    private static void Inspect(SeizeState* state, ThreadRecord* record)
    {
        UserRegs regs;
        if (Ptrace.GetRegs(record->Tid, &regs) != 0)
        {
            Volatile.Write(ref record->Seize, SeizeStatus.Gone); // killed since
            return;
        }

        record->Rip = regs.Rip;
        record->StackPointer = regs.Rsp;
        NmiThread* words = WordsOf(state, record->Tid, regs.FsBase);
        record->Words = (ulong)words;
        ulong cookie = (ulong)state->Generation << 32 | (uint)(record - state->Records);
        bool joins = record->ParkedGeneration == state->Generation;
        if (joins || (words != null && NmiProtocol<X86Machine>.DeferStop(words, cookie)))
        {
            Resume(record);
            Volatile.Write(ref record->Seize, SeizeStatus.Resumed);
            return;
        }

        record->SeizedGeneration = state->Generation;
        Volatile.Write(ref record->Seize, SeizeStatus.Stopped);
    }

    /// <summary>
    /// The words of a thread, or null if the C library has not created it: such a thread has no words, and runs no NMI with a bracket.
    /// </summary>
    private static NmiThread* WordsOf(SeizeState* state, int tid, ulong fs)
    {
        if (fs == 0 || !OwnMemory.CanRead(fs) || *(ulong*)fs != fs)
        {
            return null;
        }

        ulong id = fs + (ulong)state->TidOffset;
        if (state->TidOffset != 0 && (!OwnMemory.CanRead(id) || *(int*)id != tid))
        {
            return null;
        }

        ulong words = fs + (ulong)state->ThreadOffset;
        return OwnMemory.CanRead(words) && OwnMemory.CanRead(words + (ulong)sizeof(NmiThread) - sizeof(ulong)) ? (NmiThread*)words : null;
    }

    /// <summary>Finds a thread that has an address of the range in a register.</summary>
    private static void Search(SeizeState* state)
    {
        state->Found = 0;
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            UserRegs regs;
            if (record->Seize == SeizeStatus.Stopped && Ptrace.GetRegs(record->Tid, &regs) == 0 && Search(state, &regs))
            {
                state->FoundTid = record->Tid;
                return;
            }
        }
    }

    private static bool Search(SeizeState* state, UserRegs* regs)
    {
        for (int i = 0; i < UserRegs.Count; i++)
        {
            ulong register = ((ulong*)regs)[i];
            if (i != UserRegs.OrigRaxIndex && state->Sought.IsReachedFrom(register))
            {
                state->Found = register;
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Prepares the threads for being resumed. The kernel resumes all at once when this process ends, which is next. Here they would be
    /// resumed one after the other, and would compete with this process for the CPUs.
    /// </summary>
    private static void Release(SeizeState* state)
    {
        for (int i = 0; i < state->Used; i++)
        {
            ThreadRecord* record = state->Records + i;
            if (Volatile.Read(ref record->Seize) == SeizeStatus.Stopped)
            {
                SetRegs(record);
                if (record->InterceptedSignal != 0)
                {
                    Ptrace.Detach(record->Tid, record->InterceptedSignal);
                }
            }

            record->Seize = SeizeStatus.None;
        }
    }

    private static void Resume(ThreadRecord* record)
    {
        SetRegs(record);
        Ptrace.Detach(record->Tid, record->InterceptedSignal);
    }

    /// <summary>Makes the thread resume where the patcher wants it to, or restart a system call that the stop has interrupted.</summary>
    private static void SetRegs(ThreadRecord* record)
    {
        UserRegs regs;
        if (Ptrace.GetRegs(record->Tid, &regs) != 0)
        {
            return;
        }

        bool moved = record->Rip != regs.Rip;
        bool restarts = !moved && record->InterceptedSignal == 0 && InterruptedCall.MustRestart(record->Tid, &regs);
        if (moved)
        {
            regs.Rip = record->Rip;
        }
        else if (restarts)
        {
            InterruptedCall.Restart(&regs);
        }

        if (moved || restarts)
        {
            Ptrace.SetRegs(record->Tid, &regs);
        }
    }
}
