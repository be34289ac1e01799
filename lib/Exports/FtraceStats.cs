using System.Runtime.InteropServices;

namespace Ftrace.Exports;

/// <summary><c>struct ftrace_stats</c>; the fields are explained in ftrace/patch.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FtraceStats
{
    public nuint Size;
    public ulong Patches;
    public ulong Stops;
    public ulong StoppedThreads;
    public ulong LastStopNs;
    public ulong MaxStopNs;
    public ulong NmiWaitCount;
    public ulong NmiUpdateCount;
    public ulong DeferredStops;
    public ulong MaskedStops;
    public ulong BreakpointHits;
    public ulong GcCollections;
    public ulong ManagedBytes;
    public ulong LastMethod;
    public ulong LastWriter;
    public ulong SeizedThreads;
    public ulong LoaderTimeouts;
    public ulong GraphOverruns;

    /// <summary>The size in the first version: up to and including <see cref="ManagedBytes"/>.</summary>
    public const int FirstSize = 104;
}
