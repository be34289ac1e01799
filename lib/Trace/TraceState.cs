using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>The words of tracing that a fork has to put right. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct TraceState
{
    /// <summary>In <see cref="SharedState"/>.</summary>
    public const int Offset = 1152;

    /// <summary>The trace mutex, a <see cref="FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>
    /// Not 0 in a child that was made without fork() in the middle of another thread's call: what that was about to change is
    /// neither as before nor as after.
    /// </summary>
    public uint Torn;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TraceState* Shared => (TraceState*)SharedState.At(Offset);
}
