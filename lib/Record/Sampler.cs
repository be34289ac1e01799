using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Record;

/// <summary>
/// Samples: gives each thread a timer of its CPU time, whose signal makes it write a sample, Native/sample.c. Called with the recorder's mutex held.
/// </summary>
internal static unsafe class Sampler
{
    public const uint MaxHz = PerfClock.MaxHz;
    public const uint DefaultHz = 1000;

    private const int Capacity = StopState.MaxThreads;
    private const int BufferSize = 32 << 10;
    private const int LineSize = 256;
    private const long LongestHandlerNs = Clock.NsPerSecond;

    private static SampleTimer* s_timers;
    private static byte* s_buffer;
    private static int s_count;
    private static uint s_look;
    private static uint s_hz;
    private static int s_perfError;
    private static bool s_hasToReport;

    /// <summary>How many samples of a thread there are in a second of its CPU time, at most; 0: none are taken.</summary>
    public static uint ObtainedHz => s_perfError == 0 ? s_hz : Math.Min(s_hz, CpuTimer.MaxHz);

    /// <summary>True if perf's clock is not permitted, and CPU timers are used.</summary>
    public static bool UsesTimers => s_perfError != 0;

    /// <summary>Begins to sample all threads.</summary>
    /// <param name="hz">Samples in a second of a thread's CPU time; 0: none.</param>
    /// <returns>0 or -errno; then nothing has changed.</returns>
    public static int Start(uint hz)
    {
        *SamplerWords.Shared = default;
        s_hz = 0;
        if (hz == 0)
        {
            return 0;
        }

        s_timers = s_timers != null ? s_timers : (SampleTimer*)Memory.Map((nuint)Capacity * (nuint)sizeof(SampleTimer));
        s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(BufferSize);
        if (s_timers == null || s_buffer == null)
        {
            return -Errno.ENOMEM;
        }

        int error = SampleSignal.Take();
        if (error != 0)
        {
            return error;
        }

        s_hz = hz;
        s_perfError = 0;
        s_hasToReport = false;
        Volatile.Write(ref SamplerWords.Shared->On, 1);
        Update(0);
        WriteOptions();
        return 0;
    }

    /// <summary>Looks for threads that have begun or ended.</summary>
    /// <param name="except">A thread that is not sampled: the keeper, which can report; 0: none.</param>
    public static void Update(int except)
    {
        if (SampleSignal.Number == 0)
        {
            return;
        }

        if (!SampleSignal.Verify())
        {
            Stop();
            Report("ftrace: no more samples: the program uses the signal itself"u8);
            return;
        }

        if (s_hasToReport && except != 0)
        {
            s_hasToReport = false;
            ReportRate();
        }

        if (Interlocked.Exchange(ref SamplerWords.Shared->Missed, 0) != 0)
        {
            Resume();
        }

        var tasks = new TaskList(s_buffer, BufferSize);
        if (tasks.Open() != 0)
        {
            return;
        }

        s_look++;
        int at = 0;
        while (tasks.Next(out int tid))
        {
            if (tid != except)
            {
                Look(tid, ref at);
            }
        }

        tasks.Close();
        if (tasks.Error == 0)
        {
            RemoveEnded();
        }
    }

    /// <summary>
    /// Starts the timers again of which one could not send its signal, nobody knows which. The others may then send two before they wait for
    /// the handler.
    /// </summary>
    private static void Resume()
    {
        for (int i = 0; i < s_count; i++)
        {
            if (s_timers[i].Id != 0)
            {
                PerfClock.Resume(s_timers[i]);
            }
        }
    }

    /// <param name="tid">A thread that is there.</param>
    /// <param name="at">Where its timer is expected: the kernel lists threads in the order in which they began.</param>
    private static void Look(int tid, ref int at)
    {
        for (int i = 0; i < s_count; i++)
        {
            SampleTimer* known = s_timers + (at + i) % s_count;
            if (known->Tid == tid)
            {
                known->Seen = s_look;
                at += i + 1;
                return;
            }
        }

        if (s_count < Capacity)
        {
            var added = new SampleTimer { Tid = tid, Seen = s_look };
            if (TryCreate(ref added))
            {
                s_timers[s_count++] = added;
            }
        }
    }

    private static bool TryCreate(ref SampleTimer timer)
    {
        if (s_perfError == 0)
        {
            int error = PerfClock.Create(ref timer, SampleSignal.Number, s_hz);
            if (error is 0 or -Errno.ESRCH)
            {
                return error == 0;
            }

            if (error is not (-Errno.EMFILE or -Errno.ENFILE or -Errno.ENOMEM))
            {
                s_perfError = error;
                s_hasToReport = true;
            }
        }

        return CpuTimer.Create(ref timer, SampleSignal.Number, Math.Min(s_hz, CpuTimer.MaxHz)) == 0;
    }

    private static void RemoveEnded()
    {
        int kept = 0;
        for (int i = 0; i < s_count; i++)
        {
            if (s_timers[i].Seen == s_look)
            {
                s_timers[kept++] = s_timers[i];
            }
            else
            {
                Remove(s_timers[i], closes: true);
            }
        }

        s_count = kept;
    }

    private static void Remove(in SampleTimer timer, bool closes)
    {
        if (timer.Id != 0)
        {
            PerfClock.Remove(timer, closes);
        }
        else
        {
            CpuTimer.Remove(timer);
        }
    }

    /// <summary>Ends the sampling: no signal is sent or handled from here on.</summary>
    public static void Stop()
    {
        SamplerWords* words = SamplerWords.Shared;
        if (SampleSignal.Number == 0)
        {
            return;
        }

        Volatile.Write(ref words->On, 0);
        bool closes = WaitForHandlers();
        for (int i = 0; i < s_count; i++)
        {
            Remove(s_timers[i], closes);
        }

        s_count = 0;
        SampleSignal.GiveBack();
        WriteOptions();
        s_hz = 0;
    }

    private static bool WaitForHandlers()
    {
        Interlocked.MemoryBarrier(); // with ftrace_on_sample(): it says that it runs, and then reads whether it is on
        long start = Clock.NowNs();
        while (Volatile.Read(ref SamplerWords.Shared->Running) != 0)
        {
            long waited = Clock.NowNs() - start;
            if (waited > LongestHandlerNs)
            {
                return false;
            }

            Clock.Yield(waited);
        }

        return true;
    }

    /// <summary>In the child of a fork: the timers are the parent's.</summary>
    [NoInstr]
    public static void AfterFork()
    {
        *SamplerWords.Shared = default;
        for (int i = 0; i < s_count; i++)
        {
            if (s_timers[i].Id != 0)
            {
                PerfClock.Close(s_timers[i]);
            }
        }

        s_count = 0;
        SampleSignal.AfterFork();
    }

    /// <summary>Writes how often samples are taken; at the end, how many were.</summary>
    private static void WriteOptions()
    {
        byte* buffer = stackalloc byte[LineSize];
        var text = new ReportLine(buffer, LineSize);
        text.Add("hz_obtained="u8);
        text.Add((int)ObtainedHz);
        text.Add(UsesTimers ? "\nsample_clock=cpu-timer"u8 : "\nsample_clock=task-clock"u8);
        text.Add("\nsamples="u8);
        text.Add((long)SamplerWords.Shared->Written);
        text.Add("\nsamples_lost="u8);
        text.Add((long)SamplerWords.Shared->Lost);
        text.Add("\n"u8);
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        if (InfoWriter.Begin(InfoKind.Options, 8 + text.Text.Length))
        {
            InfoWriter.Add((uint)text.Text.Length);
            InfoWriter.Add(0u);
            InfoWriter.Add(text.Text);
            InfoWriter.End();
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
    }

    private static void ReportRate()
    {
        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: "u8);
        line.Add((int)ObtainedHz);
        line.Add(" samples a second instead of "u8);
        line.Add((int)s_hz);
        line.Add(": the system does not permit perf_event_open(2), error "u8);
        line.Add(-s_perfError);
        line.Add(" (/proc/sys/kernel/perf_event_paranoid above 2, or a seccomp filter)"u8);
        RecorderReport.Print(ref line);
    }

    private static void Report(ReadOnlySpan<byte> text)
    {
        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add(text);
        RecorderReport.Print(ref line);
    }
}
