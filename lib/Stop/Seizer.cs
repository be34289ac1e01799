using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>
/// Seizing, the second way to stop a thread: for threads that block the stop signal, and for all threads if there is no stop signal. The
/// patcher's side; the other one is <see cref="SeizingProcess"/>. Called with the stop mutex held.
/// </summary>
/// <remarks>
/// Few stops need it, so the process is created for one stop and ends with it. A seized thread takes no signal until the
/// release, so no NMI either; see ftrace/nmi.h.
/// </remarks>
internal static unsafe class Seizer
{
    private const int StackSize = 64 * 1024;
    private const nuint CloneVm = 0x100;
    private const nuint CloneFs = 0x200;
    private const nuint CloneFiles = 0x400;
    private const nuint CloneUntraced = 0x800000;
    private const nint GetFs = 0x1003; // ARCH_GET_FS
    private const long SliceNs = 5 * Clock.NsPerMs;
    private const int MaxWaits = 2000;

    /// <summary>Where glibc keeps a thread's id, relative to its fs base: struct pthread, tid. The same since glibc 2.4.</summary>
    private const long GlibcTidOffset = 720;

    private static SeizeState* s_state;
    private static int s_process;
    private static uint s_command; // the last one
    private static bool s_isOldKernel;
    private static TimeSlice s_slice; // the patcher's, as it was before

    /// <summary>True while there is a seizing process.</summary>
    public static bool IsRunning => s_process != 0;

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        if (s_state == null)
        {
            s_state = (SeizeState*)Memory.Map(StackSize);
            s_isOldKernel = KernelRelease.IsBefore(5, 16);
        }

        return s_state != null;
    }

    /// <summary>When the first thread was asked to stop, by <see cref="Clock.NowNs"/>; 0: none has been.</summary>
    public static long StopStartNs => IsRunning ? s_state->StopStartNs : 0;

    /// <summary>
    /// Attaches to all threads that are <see cref="SeizeStatus.Wanted"/>. Called after a stop has begun; <see cref="BeginStop"/> or
    /// <see cref="End"/> must follow.
    /// </summary>
    /// <param name="stop">The words of a stop.</param>
    /// <param name="command"><see cref="SeizeCommand.Attach"/>: if none is refused, the process begins to stop them at once, without waiting
    /// for another command, which could take until the next timer tick where more threads run than there are CPUs.
    /// <see cref="SeizeCommand.AttachOnly"/>: other threads are to be sent the stop signal at the same time.</param>
    /// <param name="deadlineNs">When to give up.</param>
    /// <returns>0; -EPERM if some cannot be seized (they are <see cref="SeizeStatus.Refused"/>); another -errno if none can.</returns>
    public static int Attach(StopState* stop, uint command, long deadlineNs)
    {
        int error = IsRunning ? Execute(command, deadlineNs) : Start(stop, command, deadlineNs);
        if (error == 0 && IsRefused(out int first) && first == -Errno.EPERM && Yama.LetTrace(s_process))
        {
            for (int i = 0; i < ThreadTable.Used; i++)
            {
                ThreadRecord* record = ThreadTable.Records + i;
                record->Seize = record->Seize == SeizeStatus.Refused ? SeizeStatus.Wanted : record->Seize;
            }

            error = Execute(command, deadlineNs);
        }

        if (error != 0)
        {
            return error;
        }

        return IsRefused(out _) ? -Errno.EPERM : 0;
    }

    /// <summary>Asks for all seized threads to be stopped. <see cref="WaitStopped"/> waits for it.</summary>
    public static void BeginStop()
    {
        s_state->StopStartNs = s_state->StopStartNs != 0 ? s_state->StopStartNs : Clock.NowNs();
        Post(SeizeCommand.Stop);
    }

    /// <summary>Waits until all of them have stopped, or have ended, or park by themselves.</summary>
    /// <returns>0 or -ETIMEDOUT.</returns>
    public static int WaitStopped(long untilNs) => WaitDone(untilNs);

    /// <summary>Searches the registers of the seized threads for an address of a range. Called inside a stop window.</summary>
    /// <returns>0, or -errno if the process does not answer.</returns>
    public static int FindInRegisters(AddressRange range, long timeoutNs, ref StackFinding finding)
    {
        if (!IsRunning)
        {
            return 0;
        }

        s_state->Sought = range;
        int error = Execute(SeizeCommand.Search, Clock.NowNs() + timeoutNs);
        if (error == 0 && s_state->Found != 0)
        {
            finding = new StackFinding { Tid = s_state->FoundTid, Address = s_state->Found, InRegister = true };
        }

        return error;
    }

    /// <summary>Resumes all threads, each at the address in its record. Called when the stop is over.</summary>
    /// <returns>When they were resumed, by <see cref="Clock.NowNs"/>; 0: there were none.</returns>
    public static long End()
    {
        if (!IsRunning)
        {
            return 0;
        }

        bool busy = !IsDone;
        Post(SeizeCommand.Release);
        if (busy)
        {
            // The process sleeps until a thread stops.
            Native.Syscall(SyscallNumber.Kill, s_process, SignalSet.Sigchld);
        }

        // Threads may have to resume elsewhere than they stopped, and only their tracer can set that. Waits are counted, not time: this
        // process as a whole may have been stopped by SIGSTOP.
        int error = -Errno.ETIMEDOUT;
        for (int waits = 0; error == -Errno.ETIMEDOUT && waits < MaxWaits; waits++)
        {
            error = WaitDone(Clock.NowNs() + SliceNs);
        }

        long released = Clock.NowNs();
        if (error == -Errno.EAGAIN)
        {
            return released;
        }

        if (error != 0)
        {
            Native.Syscall(SyscallNumber.Kill, s_process, SignalSet.Sigkill);
        }

        int status;
        while (Ptrace.Wait(s_process, WaitMode.Block, &status) == -Errno.EINTR)
        {
        }

        Forget();
        return released;
    }

    private static void Forget()
    {
        s_process = 0;
        s_slice.Restore();
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadTable.Records[i].Seize = SeizeStatus.None;
        }
    }

    /// <summary>In the child of a fork: the seizing process belongs to the parent.</summary>
    [NoInstr]
    public static void AfterFork()
    {
        s_process = 0;
        s_slice.Restore();
    }

    /// <summary>Creates the process, which executes its first command at once, and waits for that.</summary>
    private static int Start(StopState* stop, uint command, long deadlineNs)
    {
        // Before Linux 5.16 a seccomp filter that kills the process would kill the host too.
        if (stop->Release.SerializeParked != 0 || (s_isOldKernel && TaskFiles.HasSeccompFilter()))
        {
            return -Errno.EOPNOTSUPP;
        }

        ulong fs;
        if (Native.Syscall(SyscallNumber.ArchPrctl, GetFs, (nint)(&fs)) != 0)
        {
            return -Errno.EOPNOTSUPP;
        }

        *s_state = default;
        s_state->Records = ThreadTable.Records;
        s_state->Generation = stop->Generation;
        s_state->ThreadOffset = (long)CurrentThread.Words - (long)fs;
        s_state->TidOffset = *(int*)(fs + GlibcTidOffset) == (int)Native.Syscall(SyscallNumber.Gettid) ? GlibcTidOffset : 0;
        s_command = 0;
        Post(command);
        s_slice = TimeSlice.Shorten();

        // The process inherits our mask, and must not run the host's handlers.
        ulong mask = SignalSet.BlockMore(~0ul);
        nint process = Native.Table->Clone(
            &SeizingProcess.Run, s_state, (byte*)s_state + StackSize, CloneVm | CloneFs | CloneFiles | CloneUntraced);
        SignalSet.Set(mask);
        if (process < 0)
        {
            s_slice.Restore();
            return process is -Errno.EAGAIN or -Errno.ENOMEM ? (int)process : -Errno.EOPNOTSUPP;
        }

        s_process = (int)process;
        int error = WaitDone(deadlineNs);
        if (error != 0)
        {
            End();
        }

        return error;
    }

    private static int Execute(uint command, long deadlineNs)
    {
        Post(command);
        return WaitDone(deadlineNs);
    }

    private static void Post(uint command)
    {
        s_state->Used = ThreadTable.Used;
        s_command = SeizeCommand.Next(s_command, command);
        Volatile.Write(ref s_state->Command, s_command);
        Futex.Wake(&s_state->Command, 1);
    }

    /// <summary>True if the last command has been executed, and perhaps the one that follows from it.</summary>
    private static bool IsDone => Volatile.Read(ref s_state->Done) >= s_state->Command;

    /// <returns>0, -ETIMEDOUT, or -EAGAIN: the process has ended.</returns>
    private static int WaitDone(long untilNs)
    {
        for (; ; )
        {
            uint done = Volatile.Read(ref s_state->Done);
            if (IsDone)
            {
                return 0;
            }

            long rest = untilNs - Clock.NowNs();
            if (rest <= 0)
            {
                return -Errno.ETIMEDOUT;
            }

            int status;
            if (Futex.Wait(&s_state->Done, done, Math.Min(rest, SliceNs)) == -Errno.ETIMEDOUT
                && Ptrace.Wait(s_process, WaitMode.NoHang, &status) != 0 && !IsDone)
            {
                Forget();
                return -Errno.EAGAIN;
            }
        }
    }

    private static bool IsRefused(out int first)
    {
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid != 0 && record->Seize == SeizeStatus.Refused)
            {
                first = record->SeizeError;
                return true;
            }
        }

        first = 0;
        return false;
    }
}
