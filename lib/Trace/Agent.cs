using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Trace;

/// <summary>The thread that the hook in the loader asks: Native/agent.c.</summary>
internal static unsafe class Agent
{
    /// <summary>Signals that the C library uses itself; the first calls of setuid() and the like wait until each thread has taken its one.</summary>
    private const ulong Internal = 3ul << 31;

    /// <summary>Makes it run if it is wanted, and else not. Called without a lock; another thread may change at any time what is wanted.</summary>
    /// <param name="wanted">It is wanted.</param>
    /// <param name="looks">If it runs, it is to look, as it does when it starts: names of functions could not be demangled yet.</param>
    /// <returns>0 or -errno: it is wanted, but could not be started.</returns>
    public static int Keep(ref bool wanted, bool looks)
    {
        while (true)
        {
            bool wants = System.Threading.Volatile.Read(ref wanted);
            if (wants == (Native.Table->AgentIsRunning() != 0))
            {
                if (wants && looks)
                {
                    Native.Table->AgentAsk();
                }

                return 0;
            }

            int error = 0;
            if (wants)
            {
                error = Native.Table->AgentStart(Mask);
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
    /// What a thread of the library's blocks: all signals but the stop signal, which the first stop has chosen if any can be used. So it need not be seized.
    /// </summary>
    public static ulong Mask => ~(SignalSet.Faults | Internal | (StopState.Shared->Signal != 0 ? SignalSet.Of(StopState.Shared->Signal) : 0));
}
