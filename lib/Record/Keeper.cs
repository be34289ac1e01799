using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The work of the recorder's own thread, Native/keeper.c: all that takes time.</summary>
internal static unsafe class Keeper
{
    private const int BusyUs = 2_000;
    private const int IdleUs = 100_000;
    private const long ClockNs = Clock.NsPerSecond;
    private const long NamesNs = IdleUs * 1000L;

    private const long StreamingPeriodNs = 10 * Clock.NsPerMs;

    private static long s_nextClock;
    private static long s_nextLook;
    private static long s_nextNames;
    private static uint s_seen;
    private static ulong s_lost;
    private static bool s_isPrompt;

    /// <summary>A recording begins.</summary>
    public static void Reset()
    {
        s_nextClock = 0;
        s_nextLook = 0;
        s_nextNames = 0;
        s_lost = 0;
        s_isPrompt = false;
    }

    /// <summary>Works for a moment.</summary>
    /// <returns>After how many microseconds it is to work again, unless it is asked before.</returns>
    public static int Work()
    {
        if (RecorderWords.Shared->Header == null)
        {
            return IdleUs; // the child of a fork, whose recording could not begin
        }

        // Who stops the recording waits for the keeper with the recorder's mutex held: it is not taken here.
        bool isDone = SnapshotRequests.Work();
        if (!EventStream.IsWanted)
        {
            Look(Clock.NowNs());
            return isDone ? IdleUs : BusyUs;
        }

        // Threads that record all the time must not keep it from running for long.
        if (!s_isPrompt)
        {
            TimeSlice.Shorten();
            s_isPrompt = true;
        }

        long now = Clock.NowNs();
        uint asked = Volatile.Read(ref RecorderWords.Shared->Asked);
        if (asked != s_seen || now >= s_nextLook)
        {
            s_seen = asked;
            s_nextLook = now + StreamingPeriodNs;
            Look(now);
        }

        return EventStream.Work();
    }

    /// <summary>Looks after the rings, and which threads there are.</summary>
    private static void Look(long now)
    {
        RecorderWords* words = RecorderWords.Shared;
        Sampler.Update((int)Native.Syscall(SyscallNumber.Gettid));
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        RingPool.Reap();
        ulong lost = Volatile.Read(ref words->Header->Lost);
        RingPool.Refill(isShort: lost != s_lost);
        s_lost = lost;
        RecordedThreads.Update();
        if (now >= s_nextNames)
        {
            RecordedThreads.UpdateNames();
            s_nextNames = now + NamesNs;
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
        if (now >= s_nextClock)
        {
            NoteClocks();
            s_nextClock = now + ClockNs;
        }
    }

    /// <summary>After a kill, this is what the rate of the TSC is known from. After exit(3) there are its clocks already.</summary>
    private static void NoteClocks()
    {
        RecorderWords* words = RecorderWords.Shared;
        FutexMutex.Lock(&words->HeaderMutex);
        if (words->Header->State == TraceFileHeader.Recording)
        {
            words->Header->Latest = ClockTimes.Read();
        }

        FutexMutex.Unlock(&words->HeaderMutex);
    }
}
