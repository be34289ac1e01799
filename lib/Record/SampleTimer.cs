namespace Ftrace.Record;

/// <summary>The timer of a thread's CPU time that sends it the signal of samples.</summary>
internal struct SampleTimer
{
    public int Tid;

    /// <summary>A descriptor of <see cref="PerfClock"/>, or a number of <see cref="CpuTimer"/>.</summary>
    public int Handle;

    /// <summary>Of <see cref="PerfClock"/>: what the descriptor must refer to; 0: it is a <see cref="CpuTimer"/>.</summary>
    public ulong Id;

    /// <summary>In which look at the threads its thread was seen.</summary>
    public uint Seen;
}
