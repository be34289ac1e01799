using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// The second way to stop a thread: ptrace(2). For threads that block the stop signal, and for all of them where the process has no
/// signal for us. The patcher's side; the other one is <see cref="SeizingProcess"/>. Called with the stop mutex held.
/// </summary>
/// <remarks>
/// A stop needs it seldom, so the process is made when a stop begins and ends with it. A seized thread takes no signal until the
/// release, so no NMI either; ftrace/nmi.h says so.
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

    /// <summary>Where glibc keeps a thread's id, from its fs: struct pthread, tid. The same since 2.4.</summary>
    private const long GlibcTidOffset = 720;

    private static SeizeState* s_state;
    private static int s_process;
    private static uint s_commands;
    private static bool s_isOldKernel;

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

    /// <summary>Seizes all threads that are <see cref="SeizeStatus.Wanted"/>. They run on.</summary>
    /// <returns>0; -EPERM if some cannot be seized (they are <see cref="SeizeStatus.Refused"/>), or another -errno: none can.</returns>
    public static int Attach(StopState* stop, long deadlineNs)
    {
        int error = IsRunning ? 0 : Start(stop, deadlineNs);
        if (error != 0)
        {
            return error;
        }

        error = Do(SeizeCommand.Attach, deadlineNs);
        if (error == 0 && IsRefused(out int first) && first == -Errno.EPERM && Yama.LetTrace(s_process))
        {
            for (int i = 0; i < ThreadTable.Used; i++)
            {
                ThreadRecord* record = ThreadTable.Records + i;
                record->Seize = record->Seize == SeizeStatus.Refused ? SeizeStatus.Wanted : record->Seize;
            }

            error = Do(SeizeCommand.Attach, deadlineNs);
        }

        return error != 0 ? error : IsRefused(out _) ? -Errno.EPERM : 0;
    }

    /// <summary>Asks for all seized threads to be stopped. <see cref="WaitStopped"/> says when they are.</summary>
    public static void BeginStop(StopState* stop)
    {
        s_state->Generation = stop->Generation;
        Post(SeizeCommand.Stop);
    }

    /// <summary>Waits until all of them have stopped, or have ended, or park by themselves.</summary>
    /// <returns>0 or -ETIMEDOUT.</returns>
    public static int WaitStopped(long untilNs) => WaitDone(untilNs);

    /// <summary>Lets all go, where the patcher wants them to. Called when the stop is over.</summary>
    public static void End()
    {
        if (!IsRunning)
        {
            return;
        }

        bool busy = Volatile.Read(ref s_state->Done) != Volatile.Read(ref s_state->Command);
        Post(SeizeCommand.Release);
        if (busy)
        {
            // It sleeps until a thread stops.
            Native.Syscall(SyscallNumber.Kill, s_process, SignalSet.Sigchld);
        }

        if (WaitDone(Clock.NowNs() + Clock.NsPerSecond) != 0)
        {
            Native.Syscall(SyscallNumber.Kill, s_process, SignalSet.Sigkill);
        }

        int status;
        while (Ptrace.Wait(s_process, block: true, &status) == -Errno.EINTR)
        {
        }

        s_process = 0;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadTable.Records[i].Seize = SeizeStatus.None;
        }
    }

    /// <summary>In the child of a fork, where the process is not.</summary>
    [NoInstr]
    public static void AfterFork() => s_process = 0;

    private static int Start(StopState* stop, long deadlineNs)
    {
        // Where it would be ended by a filter before Linux 5.16, the host would be with it.
        if (stop->SerializeParked != 0 || (s_isOldKernel && TaskFiles.HasSeccompFilter()))
        {
            return -Errno.EOPNOTSUPP;
        }

        ulong fs;
        if (Native.Syscall(SyscallNumber.ArchPrctl, GetFs, (nint)(&fs)) != 0)
        {
            return -Errno.EOPNOTSUPP;
        }

        *s_state = default;
        s_state->Done = SeizeState.NotReady;
        s_state->Records = ThreadTable.Records;
        s_state->ThreadOffset = (long)Native.CurrentThread - (long)fs;
        s_state->TidOffset = *(int*)(fs + GlibcTidOffset) == (int)Native.Syscall(SyscallNumber.Gettid) ? GlibcTidOffset : 0;
        s_commands = 0;

        // Its mask is ours, and it must not run the host's handlers.
        ulong mask = SignalSet.BlockMore(~0ul);
        nint process = Native.Table->Clone(
            &SeizingProcess.Run, s_state, (byte*)s_state + StackSize, CloneVm | CloneFs | CloneFiles | CloneUntraced);
        SignalSet.Set(mask);
        if (process < 0)
        {
            return process == -Errno.EAGAIN ? -Errno.EAGAIN : process == -Errno.ENOMEM ? -Errno.ENOMEM : -Errno.EOPNOTSUPP;
        }

        s_process = (int)process;
        int error = WaitDone(deadlineNs);
        if (error != 0)
        {
            End();
        }

        return error;
    }

    private static int Do(uint command, long deadlineNs)
    {
        Post(command);
        return WaitDone(deadlineNs);
    }

    private static void Post(uint command)
    {
        s_state->Used = ThreadTable.Used;
        Volatile.Write(ref s_state->Command, ++s_commands * (SeizeCommand.Kind + 1) | command);
        Futex.Wake(&s_state->Command, 1);
    }

    /// <returns>0, -ETIMEDOUT, or -EAGAIN: the process has ended.</returns>
    private static int WaitDone(long untilNs)
    {
        for (; ; )
        {
            uint done = Volatile.Read(ref s_state->Done);
            if (done == s_state->Command)
            {
                return 0;
            }

            long rest = untilNs - Clock.NowNs();
            if (rest <= 0)
            {
                return -Errno.ETIMEDOUT;
            }

            if (Futex.Wait(&s_state->Done, done, Math.Min(rest, SliceNs)) == -Errno.ETIMEDOUT
                && Native.Syscall(SyscallNumber.Kill, s_process, 0) != 0)
            {
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
