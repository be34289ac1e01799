using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>The words of tracing that a fork has to put right. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct TraceState
{
    /// <summary>The trace mutex, a <see cref="Linux.FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>
    /// Not 0 in a child that was made without fork() in the middle of another thread's call: what that was about to change is
    /// neither as before nor as after.
    /// </summary>
    public uint Torn;

    /// <summary>The host's function for reports; null: none.</summary>
    public unsafe void* Print;
}
