using System.Runtime.InteropServices;

namespace Ftrace.Breakpoint;

/// <summary>The last sample of a thread: its mask, then its system call.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TaskSample
{
    /// <summary>Value of <see cref="RunNs"/>: no call was read, or one that hides what the thread has blocked.</summary>
    public const long Nothing = -2;

    /// <summary>Value of <see cref="RunNs"/>: the thread was asleep in a call that hides nothing, or in no call.</summary>
    public const long Asleep = -1;

    /// <summary>The thread's id.</summary>
    public int Tid;

    /// <summary>The process's id: a child of fork has other threads.</summary>
    public int Pid;

    /// <summary>How often the thread had gone to sleep, by the file that the mask was read from.</summary>
    public ulong Sleeps;

    /// <summary>If the thread was running: the CPU time in nanoseconds that it had used when its mask had been read.</summary>
    public long RunNs;

    /// <summary>At that mask the thread had run for long enough since an earlier mask, without sleeping.</summary>
    public bool HasRun;

    /// <summary>
    /// Samples that found the thread asleep in a call that hides nothing, each in another sleep, since the last one that gave a reason to wait.
    /// </summary>
    public int Harmless;
}
