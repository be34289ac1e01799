using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>The words of tracing that a fork has to put right. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct TraceState
{
    /// <summary>The trace mutex, a <see cref="Linux.FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>The host's function for reports; null: none.</summary>
    public unsafe void* Print;
}
