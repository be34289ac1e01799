using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>Stops every other thread of the process, by suspending it.</summary>
/// <remarks>
/// <para>In order:</para>
/// <list type="number">
/// <item>the generation becomes odd: whoever leaves its last announced NMI from here on stays where it leaves</item>
/// <item>enumerate the threads, suspend those that are new, and read their contexts, which waits until they stand still</item>
/// <item>one that is inside an announced NMI goes on, and is suspended again later</item>
/// <item>as long as somebody new is found, or somebody runs, again: when all known threads stand still, nobody in the process can create
/// one</item>
/// </list>
/// <para>
/// From the first suspension to the release other threads may hold any lock of the process: nothing here allocates, locks, or calls more
/// than ntdll's system calls.
/// </para>
/// </remarks>
internal static unsafe class StopMachine
{
    /// <summary>How long to wait for the other threads by default.</summary>
    public const uint DefaultTimeoutMs = 5000;

    /// <summary>How often threads that are in an announced NMI are asked before the wait sleeps.</summary>
    private const int TurnsBeforeSleep = 100;

    private static uint* Mutex => &StopState.Shared->WakeAt; // nobody parks, so nobody is woken

    /// <summary>True if the calling thread has a window open.</summary>
    [NoInstr]
    public static bool IsOpen(NmiThread* self) => StopState.Shared->Owner == (ulong)self;

    /// <summary>Opens a window: returns 0 when every other thread stands still. Reports who does not.</summary>
    /// <returns>0, -EDEADLK, -ETIMEDOUT, -EPERM, -EAGAIN or -ENOMEM; after an error all is as before.</returns>
    public static int Open(NmiThread* self, uint timeoutMs)
    {
        int error = TryOpen(self, timeoutMs, out StopReport report);
        if (error is -Errno.ETIMEDOUT or -Errno.EPERM)
        {
            report.Print();
        }

        return error;
    }

    /// <summary>The same, without a report.</summary>
    public static int TryOpen(NmiThread* self, uint timeoutMs, out bool isQuiet)
    {
        isQuiet = true;
        return TryOpen(self, timeoutMs, out StopReport _);
    }

    private static int TryOpen(NmiThread* self, uint timeoutMs, out StopReport report)
    {
        report = default;
        StopState* stop = StopState.Shared;
        if (IsOpen(self))
        {
            return -Errno.EDEADLK;
        }

        FutexMutex.Lock(Mutex);
        if (!SuspendedThreads.Reserve())
        {
            FutexMutex.Unlock(Mutex);
            return -Errno.ENOMEM;
        }

        stop->Owner = (ulong)self;
        stop->StartNs = Clock.NowNs();
        Volatile.Write(ref stop->Generation, stop->Generation + 1);
        int error = SuspendAll(stop, stop->StartNs + (timeoutMs == 0 ? DefaultTimeoutMs : timeoutMs) * Clock.NsPerMs);
        if (error != 0)
        {
            report = StopReport.Take();
            Release(stop);
            stop->Owner = 0;
            FutexMutex.Unlock(Mutex);
            return error;
        }

        stop->Stops++;
        stop->StoppedThreads += (ulong)SuspendedThreads.Count;
        return 0;
    }

    /// <summary>Closes the window that this thread opened. If text was changed in it, no thread resumes with the old one.</summary>
    public static void Close()
    {
        var window = new StopWindow();
        ReleaseProtocol<X86Machine>.Run(ref window);
        StopState.Shared->Owner = 0;
        FutexMutex.Unlock(Mutex);
    }

    /// <returns>When, by <see cref="Clock.NowNs"/>.</returns>
    public static long Release(StopState* stop)
    {
        Volatile.Write(ref stop->Generation, stop->Generation + 1);
        SuspendedThreads.ResumeAll();
        long now = Clock.NowNs();
        stop->LastStopNs = (ulong)(now - stop->StartNs);
        stop->MaxStopNs = Math.Max(stop->MaxStopNs, stop->LastStopNs);
        return now;
    }

    private static int SuspendAll(StopState* stop, long deadlineNs)
    {
        ulong self = SuspendedThreads.Self;
        for (int turn = 0; ; turn++)
        {
            int stopped = 0;
            int deferred = 0;
            StopReport.Note(0, isRefused: false);
            int error = SuspendedThreads.FindNew(self);
            if (error == 0)
            {
                error = SuspendedThreads.SuspendAll(stop, out stopped, out deferred);
            }

            if (error != 0 || stopped + deferred == 0)
            {
                return error;
            }

            if (Clock.NowNs() >= deadlineNs)
            {
                return -Errno.ETIMEDOUT;
            }

            if (deferred == 0)
            {
                continue;
            }

            Clock.Yield(turn > TurnsBeforeSleep ? Clock.NsPerMs : 0);
        }
    }
}
