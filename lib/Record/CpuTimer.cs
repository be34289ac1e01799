using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>A timer of a thread's CPU time, timer_create(2), for systems that do not permit <see cref="PerfClock"/>. It is looked at once in a tick.</summary>
internal static unsafe class CpuTimer
{
    private const int CoarseClock = 6; // CLOCK_MONOTONIC_COARSE, which advances once in a tick
    private const int ThreadId = 4;    // SIGEV_THREAD_ID
    private const int EventSize = 64;  // struct sigevent

    /// <summary>How often one can signal in a second.</summary>
    public static uint MaxHz
    {
        get
        {
            Timespec tick;
            bool isKnown = Native.Syscall(SyscallNumber.ClockGetres, CoarseClock, (nint)(&tick)) == 0 && tick.Nanoseconds > 0;
            return isKnown ? (uint)(Clock.NsPerSecond / tick.Nanoseconds) : 100;
        }
    }

    /// <summary>Creates the timer of a thread, and starts it.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Create(ref SampleTimer timer, int signo, uint hz)
    {
        byte* action = stackalloc byte[EventSize];
        new System.Span<byte>(action, EventSize).Clear();
        *(int*)(action + 8) = signo;
        *(int*)(action + 12) = ThreadId;
        *(int*)(action + 16) = timer.Tid;
        int number;
        int error = (int)Native.Syscall(SyscallNumber.TimerCreate, Clock.OfThread(timer.Tid), (nint)action, (nint)(&number));
        if (error != 0)
        {
            return error;
        }

        timer.Handle = number;
        timer.Id = 0;
        var period = new Timespec { Nanoseconds = Clock.NsPerSecond / hz };
        if (hz == 1)
        {
            period = new Timespec { Seconds = 1 };
        }

        Timespec* times = stackalloc Timespec[2] { period, period };
        error = (int)Native.Syscall(SyscallNumber.TimerSettime, number, 0, (nint)times);
        if (error != 0)
        {
            Remove(timer);
        }

        return error;
    }

    public static void Remove(in SampleTimer timer) => Native.Syscall(SyscallNumber.TimerDelete, timer.Handle);
}
