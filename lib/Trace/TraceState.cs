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
    /// Not 0 in a child that was created in the middle of another thread's call, because fork(3) could not wait for that any longer, or was
    /// not used: what the call was changing may be inconsistent.
    /// </summary>
    public uint Torn;

    /// <summary>The <see cref="Ftrace.Protocol.NmiThread"/> whose call has the mutex; 0: none, or a thread has it that forks.</summary>
    public ulong Owner;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TraceState* Shared => (TraceState*)SharedState.At(Offset);
}
