using System.Runtime.InteropServices;

namespace Ftrace.Breakpoint;

/// <summary>What the last look at a thread has shown: its mask, then its call.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TaskSample
{
    /// <summary>Of <see cref="RunNs"/>: no call was read, or one that hides what the thread has blocked.</summary>
    public const long Nothing = -2;

    /// <summary>Of <see cref="RunNs"/>: it was asleep in a call that hides nothing, or in no call.</summary>
    public const long Asleep = -1;

    /// <summary>The thread's id.</summary>
    public int Tid;

    /// <summary>The process's: a child of fork has other threads.</summary>
    public int Pid;

    /// <summary>How often it had gone to sleep, by the mask's text.</summary>
    public ulong Sleeps;

    /// <summary>If it was running: the CPU time in nanoseconds that it had used when its mask had been read.</summary>
    public long RunNs;

    /// <summary>At that mask it had run for long enough since another one, without sleeping.</summary>
    public bool HasRun;

    /// <summary>Looks that found it asleep in a call that hides nothing, each another time, and none that shows a reason to wait for it.</summary>
    public int Harmless;
}
