using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>The words of tracing that a fork has to reset. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct TraceState
{
    /// <summary>Offset in <see cref="SharedState"/>.</summary>
    public const int Offset = 1152;

    /// <summary>The trace mutex, a <see cref="FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>
    /// Not 0 in a child that was created without fork(3) in the middle of another thread's call: what that call was changing may be
    /// inconsistent.
    /// </summary>
    public uint Torn;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TraceState* Shared => (TraceState*)SharedState.At(Offset);
}
