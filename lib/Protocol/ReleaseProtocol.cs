namespace Ftrace.Protocol;

/// <summary>The end of a stop: no thread goes on with text that its core fetched before the change.</summary>
/// <remarks>
/// <para>In order; all other threads stand still:</para>
/// <list type="number">
/// <item>patcher, if text has changed: a membarrier for all cores that run one of the threads. If the system has none, or
/// forbids it by now, the threads are told to serialize by themselves</item>
/// <item>patcher: its own core, which the membarrier passes over if no other thread runs; it may be another core than the
/// one that the text was changed on</item>
/// <item>patcher: the stop is over</item>
/// <item>thread: sees that, serializes if it has been told to, and goes on. A seized thread cannot be told: so threads are seized
/// only if the system has a membarrier when their stop begins</item>
/// </list>
/// </remarks>
internal static unsafe class ReleaseProtocol<TMachine>
    where TMachine : struct, IMachine
{
    /// <summary>Ends the window. Called by the patcher that opened it.</summary>
    public static void Run<TWindow>(ref TWindow window)
        where TWindow : struct, IWindow
    {
        ReleaseState* state = TMachine.ReleaseWords;
        if (TMachine.Read(&state->TextChanged) != 0)
        {
            TMachine.Write(&state->TextChanged, 0);
            SerializeOthers(state);
            TMachine.SyncCore(Step.ReleaseOwnSync);
        }

        window.LetGo();
    }

    /// <summary>A parked thread has seen that its stop is over.</summary>
    [NoInstr]
    public static void GoOn()
    {
        if (TMachine.Read(&TMachine.ReleaseWords->SerializeParked) != 0)
        {
            TMachine.SyncCore(Step.ParkedSync);
        }
    }

    private static void SerializeOthers(ReleaseState* state)
    {
        if (TMachine.Read(&state->SerializeParked) == 0 && TMachine.SyncCores(Step.ReleaseSync) != 0)
        {
            TMachine.Write(&state->SerializeParked, 1); // forbidden since; they do it themselves
        }
    }
}
