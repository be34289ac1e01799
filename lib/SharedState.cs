using System.Runtime.InteropServices;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace;

/// <summary>All state of the library: one block of unmanaged memory, zero at the start.</summary>
[StructLayout(LayoutKind.Sequential, Size = Offsets.SharedState_SizeOf)]
internal unsafe struct SharedState
{
    private static SharedState* s_state;

    public ProtocolState Protocol;
    public StopState Stop;
    public PatchState Patch;
    public BreakpointState Breakpoint;
    public TraceState Trace;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static SharedState* Get => s_state;

    /// <summary>Set once, at start-up.</summary>
    public static void Attach(SharedState* state) => s_state = state;
}
