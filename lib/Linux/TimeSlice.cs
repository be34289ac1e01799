using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary><c>struct sched_attr</c> of sched_setattr(2): how long a thread runs before another has its turn.</summary>
/// <remarks>
/// Who asks for short turns gets them earlier, since Linux 6.12: without this, on a machine with more running threads than CPUs, a
/// process just made, or a thread just woken, waits for a tick of the clock, or several. Before 6.12 it makes no difference.
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

    /// <summary>Shortens the turns of the calling thread, and of what it makes.</summary>
    /// <returns>What <see cref="Restore"/> sets again.</returns>
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
