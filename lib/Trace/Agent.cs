using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Trace;

/// <summary>The thread that the hook in the loader asks: Native/agent.c.</summary>
internal static unsafe class Agent
{
    /// <summary>Signals that the C library uses itself; the first calls of setuid() and the like wait until each thread has taken its one.</summary>
    private const ulong Internal = 3ul << 31;

    /// <summary>Makes it run if it is wanted, and else not. Called without a lock; another thread may change at any time what is wanted.</summary>
    /// <returns>0 or -errno: it is wanted, but could not be started.</returns>
    public static int Keep(ref bool wanted)
    {
        while (true)
        {
            bool wants = System.Threading.Volatile.Read(ref wanted);
            if (wants == (Native.Table->AgentIsRunning() != 0))
            {
                return 0;
            }

            int error = 0;
            if (wants)
            {
                error = Native.Table->AgentStart(Mask(StopState.Shared));
            }
            else
            {
                Native.Table->AgentEnd();
            }

            if (error != 0)
            {
                return error;
            }
        }
    }

    /// <summary>
    /// All signals but the stop signal, which the stop that set the hook has chosen if any can be used: the agent need not be seized.
    /// </summary>
    private static ulong Mask(StopState* stop) =>
        ~(SignalSet.Faults | Internal | (stop->Signal != 0 ? SignalSet.Of(stop->Signal) : 0));
}
