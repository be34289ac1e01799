using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>struct sched_attr</c> of sched_setattr(2): how long a thread runs before another one is scheduled.</summary>
/// <remarks>
/// Since Linux 6.12 a thread with a short time slice is scheduled earlier. Without this, if more threads run than there are CPUs, a
/// new process, or a thread that was just woken, waits for one timer tick or several. Before 6.12 it makes no difference.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
[NoInstr]
internal unsafe struct TimeSlice
{
    private const uint SchedOther = 0;
    private const uint SchedBatch = 3;
    private const ulong ShortestNs = 100_000; // the kernel's lower bound

    private uint _size;
    private uint _policy;
    private ulong _flags;
    private int _nice;
    private uint _priority;
    private ulong _runtime;
    private ulong _deadline;
    private ulong _period;

    /// <summary>Shortens the time slice of the calling thread, and of processes that it creates.</summary>
    /// <returns>The time slice before, for <see cref="Restore"/>.</returns>
    public static TimeSlice Shorten()
    {
        TimeSlice before;
        if (Native.Syscall(SyscallNumber.SchedGetattr, 0, (nint)(&before), sizeof(TimeSlice)) != 0
            || before._policy is not (SchedOther or SchedBatch))
        {
            return default;
        }

        TimeSlice shorter = before;
        shorter._runtime = ShortestNs;
        return Native.Syscall(SyscallNumber.SchedSetattr, 0, (nint)(&shorter)) == 0 ? before : default;
    }

    public void Restore()
    {
        if (_size != 0)
        {
            fixed (TimeSlice* before = &this)
            {
                Native.Syscall(SyscallNumber.SchedSetattr, 0, (nint)before);
            }

            _size = 0;
        }
    }
}
