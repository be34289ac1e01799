namespace Ftrace.Protocol;

/// <summary>The order in which a batch is changed while all other threads stand still.</summary>
/// <remarks>
/// <list type="number">
/// <item>the gate opens: an NMI that has found it closed stands still with its thread from the next step on</item>
/// <item>the other threads stop</item>
/// <item>the batch is looked at, its pages are opened. Until here nothing was changed: any error ends it</item>
/// <item>one unit of locations after another is changed by <see cref="NmiProtocol{TMachine}"/>. If that fails, those that were
/// changed, and the one that may be half written, are put back in the same way</item>
/// <item>this core serializes: the caller may execute the new code in its window</item>
/// <item>the others serialize, and go on: <see cref="ReleaseProtocol{TMachine}"/></item>
/// <item>the gate closes</item>
/// </list>
/// </remarks>
internal static unsafe class StopSequence<TMachine, TSteps>
    where TMachine : struct, IMachine
    where TSteps : struct, IStopSteps
{
    /// <summary>Changes the batch in a window of its own.</summary>
    /// <returns>0, or -errno; then everything is as before, unless the steps gave up.</returns>
    public static int Run(ref TSteps steps)
    {
        int error = steps.OpenGate();
        if (error != 0)
        {
            return error;
        }

        error = RunWithGateOpen(ref steps);
        steps.CloseGate();
        return error;
    }

    /// <summary>The same in a window that the caller has opened, with the gate open since before.</summary>
    public static int RunInWindow(ref TSteps steps)
    {
        int error = steps.Prepare();
        if (error != 0)
        {
            return error;
        }

        error = Write(ref steps, PatchCode.New, steps.Count, out int written);
        bool stuck = error != 0 && Write(ref steps, PatchCode.Old, written, out _) != 0;
        steps.ClosePages();
        TMachine.Write(&TMachine.ReleaseWords->TextChanged, 1);
        TMachine.SyncCore(Step.WindowSync);
        if (stuck)
        {
            return steps.GiveUp();
        }

        if (error != 0)
        {
            return steps.ErrorOfWrite(error);
        }

        steps.MoveThreads();
        return 0;
    }

    private static int RunWithGateOpen(ref TSteps steps)
    {
        int error = steps.OpenWindow();
        if (error != 0)
        {
            return error;
        }

        error = RunInWindow(ref steps);
        steps.CloseWindow();
        return error;
    }

    /// <summary>Changes the first <paramref name="count"/> locations, unit by unit.</summary>
    private static int Write(ref TSteps steps, PatchCode code, int count, out int written)
    {
        written = 0;
        while (written < count)
        {
            TextUnit unit = steps.NextUnit(written, count, code);
            written = unit.End; // also if it fails: part of it may be written
            int error = NmiProtocol<TMachine>.ModifyCode(TMachine.NmiWords, unit.Ip, (byte*)unit.Newcode, unit.Length);
            if (error != 0)
            {
                return error;
            }
        }

        return 0;
    }
}
