namespace Ftrace.Protocol;

/// <summary>The order in which a batch is changed while all threads run.</summary>
/// <remarks>
/// <list type="number">
/// <item>the gate opens</item>
/// <item>the batch is looked at. Until here nothing was changed: any error ends it</item>
/// <item>membarrier: whatever runs on any core has read the gate since, or will</item>
/// <item>every thread has been seen with SIGTRAP unblocked: no NMI is left that is older than the gate and blocks it</item>
/// <item>NMIs are told to unblock it; those that were not are waited for</item>
/// <item>the pages are opened, and the batch is changed by <see cref="BreakpointProtocol{TMachine}"/></item>
/// <item>NMIs leave their masks alone again; the gate closes. If breakpoints are left that could not be put back, neither
/// happens, and the batch moves out of the caller's memory</item>
/// </list>
/// </remarks>
internal static unsafe class BreakpointSequence<TMachine, TSteps>
    where TMachine : struct, IMachine
    where TSteps : struct, IBreakpointSteps
{
    /// <summary>Changes the batch.</summary>
    /// <returns>0, or -errno; then everything is as before, unless the batch is kept.</returns>
    public static int Run(ref TSteps steps)
    {
        int error = steps.OpenGate();
        if (error != 0)
        {
            return error;
        }

        error = steps.Begin();
        if (error == 0)
        {
            error = RunWithGateOpen(ref steps);
        }

        steps.End(error);
        steps.CloseGate();
        return error;
    }

    private static int RunWithGateOpen(ref TSteps steps)
    {
        int error = TMachine.SyncCores(Step.GateSync);
        if (error != 0)
        {
            return steps.ErrorOfSync(error);
        }

        error = steps.LookAtMasks();
        if (error != 0)
        {
            return error;
        }

        steps.BlockNmis();
        bool stuck = false;
        error = BreakpointProtocol<TMachine>.Arm(TMachine.BreakpointWords);
        if (error == 0)
        {
            error = Change(ref steps, out stuck);
        }

        if (!stuck)
        {
            BreakpointProtocol<TMachine>.Disarm(TMachine.BreakpointWords);
        }

        return error;
    }

    private static int Change(ref TSteps steps, out bool stuck)
    {
        stuck = false;
        int error = steps.OpenPages();
        if (error != 0)
        {
            return error;
        }

        error = BreakpointProtocol<TMachine>.Change(TMachine.BreakpointWords, out stuck);
        steps.ClosePages();
        if (!stuck)
        {
            return steps.ErrorOfWrite(error);
        }

        // Whoever was in the trap handler before may be looking at the caller's entries.
        error = steps.Keep();
        TMachine.SmpMb(Step.Keep);
        steps.LookAtMasks();
        return error;
    }
}
