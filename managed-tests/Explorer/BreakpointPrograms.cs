using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What runs on the simulated CPUs with the breakpoint method, in segments.</summary>
internal static unsafe class BreakpointPrograms
{
    /// <summary>Segments of the patcher for a batch.</summary>
    public const int PatcherSegments = 3;

    /// <summary>Runs a segment; returns the one that follows.</summary>
    public static byte Run(byte kind, int segment, Configuration configuration, Mutant mutant)
    {
        switch (kind)
        {
            case Programs.Patcher:
                int number = segment / PatcherSegments;
                return number < configuration.Batches.Length ? Patch(number, segment, configuration, mutant) : Programs.End;
            case Programs.Thread:
                return segment < configuration.Locations ? Execute(kind, segment, segment + 1) : Programs.End;
            case Programs.Nmi:
                if (segment == 0)
                {
                    Programs.Enter(mutant);
                }
                else if (segment <= configuration.Locations)
                {
                    return Execute(kind, segment, segment);
                }
                else
                {
                    Programs.Exit(mutant);
                    return Programs.End;
                }

                return Programs.Segment(kind, 1);
            default:
                return Programs.End;
        }
    }

    /// <summary>
    /// Patcher and BreakpointMethod. That one blocks NMIs on its own thread when it arms, to have time left; here
    /// they arrive all along.
    /// </summary>
    private static byte Patch(int number, int segment, Configuration configuration, Mutant mutant)
    {
        int next = number * PatcherSegments + PatcherSegments;
        switch (segment % PatcherSegments)
        {
            case 0:
                return Programs.Segment(Programs.Patcher, PrepareAndArm(number, configuration, mutant) ? segment + 1 : segment + 2);
            case 1:
                return Change(number, configuration, mutant) ? Programs.End : Programs.Segment(Programs.Patcher, segment + 1);
            default:
                if (mutant != Mutant.DisarmFirst)
                {
                    BreakpointProtocol<SimMachine>.Disarm(SimMachine.Breakpoint);
                }

                if (!configuration.GateStaysOpen || number == configuration.Batches.Length - 1)
                {
                    NmiProtocol<SimMachine>.PostProcess(SimMachine.Gate);
                }

                return number == configuration.Batches.Length - 1 ? Programs.End : Programs.Segment(Programs.Patcher, next);
        }
    }

    private static bool PrepareAndArm(int number, Configuration configuration, Mutant mutant)
    {
        bool opens = !configuration.GateStaysOpen || number == 0;
        if (opens && mutant != Mutant.GateAfterLook)
        {
            NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
        }

        SimMachine.SyncCores();
        if (mutant != Mutant.NoLook)
        {
            WaitForDelivery(configuration);
        }

        if (opens && mutant == Mutant.GateAfterLook)
        {
            NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
        }

        return BreakpointProtocol<SimMachine>.Arm(SimMachine.Breakpoint);
    }

    /// <summary>TrapDelivery.Wait.</summary>
    private static void WaitForDelivery(Configuration configuration)
    {
        for (int cpu = 1; cpu < configuration.Cpus; cpu++)
        {
            Replay.Current.Do(new Op(OpKind.SeeUnblocked, (byte)cpu));
        }
    }

    /// <returns>True if breakpoints are left: then all stays as it is.</returns>
    private static bool Change(int number, Configuration configuration, Mutant mutant)
    {
        if (mutant == Mutant.DisarmFirst)
        {
            BreakpointProtocol<SimMachine>.Disarm(SimMachine.Breakpoint);
        }

        byte batch = configuration.Batches[number].Word(number);
        Replay.Current.Do(new Op(OpKind.BeginBatch, 0, batch));
        Replay.Current.Do(new Op(OpKind.Write, Word.Keys, batch));
        int error = BreakpointProtocol<SimMachine>.Change(SimMachine.Breakpoint, out bool stuck);
        Replay.Current.Do(new Op(OpKind.Write, Word.Keys, (byte)(stuck ? batch | Batch.Kept : 0)));
        if (stuck && mutant != Mutant.NoKeepWait)
        {
            Replay.Current.Do(new Op(OpKind.Barrier));
            WaitForDelivery(configuration);
        }

        Replay.Current.Do(new Op(OpKind.EndBatch, 0, (byte)(error != 0 ? 1 : 0), (byte)(stuck ? 1 : 0)));
        return stuck;
    }

    /// <summary>Executes a location; if the trap handler says so, once more from the start.</summary>
    private static byte Execute(byte kind, int segment, int location)
    {
        byte first = Replay.Current.Do(new Op(OpKind.Fetch, Word.TextOf(location)));
        if (first == Programs.Breakpoint)
        {
            Replay.Current.Do(new Op(OpKind.TrapRaise, (byte)location));
            Replay.Current.Do(new Op(OpKind.TrapDeliver, (byte)location));
            TrapAction action = BreakpointProtocol<SimMachine>.Trap(SimMachine.Breakpoint, (ulong)location, null);
            Replay.Current.Do(new Op(OpKind.TrapReturn, (byte)location, (byte)action));
            return Programs.Segment(kind, action == TrapAction.Again ? segment : segment + 1);
        }

        bool torn = false;
        for (int i = 1; i < Word.InstructionSize; i++)
        {
            torn |= Replay.Current.Do(new Op(OpKind.Fetch, Word.TextOf(location, i), (byte)i)) != first;
        }

        Replay.Current.Do(new Op(OpKind.Execute, (byte)location, (byte)(torn ? 1 : 0), first));
        return Programs.Segment(kind, segment + 1);
    }
}
