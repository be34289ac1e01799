using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The work of the recorder's own thread, Native/keeper.c: all that takes time.</summary>
internal static unsafe class Keeper
{
    private const int BusyUs = 2_000;
    private const int IdleUs = 100_000;
    private const long ClockNs = Clock.NsPerSecond;

    private static long s_nextClock;

    /// <summary>A recording begins.</summary>
    public static void Reset()
    {
        s_nextClock = 0;
    }

    /// <summary>Works for a moment.</summary>
    /// <returns>After how many microseconds it is to work again, unless it is asked before.</returns>
    public static int Work()
    {
        // Who stops the recording waits for the keeper with the mutex held.
        if (!FutexMutex.TryLock(&RecorderState.Shared->Mutex))
        {
            return BusyUs;
        }

        int pause = RecorderWords.Shared->Active != 0 ? WorkLocked() : IdleUs;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return pause;
    }

    private static int WorkLocked()
    {
        RecorderWords* words = RecorderWords.Shared;
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        RingPool.Reap();
        RingPool.Refill();
        RecordedThreads.Update();
        long now = Clock.NowNs();
        if (now >= s_nextClock)
        {
            // After a kill, this is what the rate of the TSC is known from.
            words->Header->Latest = ClockTimes.Read();
            s_nextClock = now + ClockNs;
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
        return IdleUs;
    }
}
