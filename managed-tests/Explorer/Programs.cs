using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// What runs on the simulated CPUs. Both protocols, and the order in which the patcher goes about a change, are the shipped code; around
/// it, what the host does. Only the gate, which is C, is a model here: its machine code is compared with that by <see cref="GateCodeTests"/>.
/// </summary>
internal static unsafe class Programs
{
    public const byte Patcher = 0;
    public const byte Thread = 1;
    public const byte Nmi = 2;
    public const byte Stop = 3;

    /// <summary>In place of <see cref="Stop"/>, for a thread that is seized.</summary>
    public const byte Seize = 4;

    public const int Count = 5;

    public const byte OldCode = 1;
    public const byte NewCode = 2;
    public const byte Breakpoint = 3;

    // Checkpoints:
    private const byte AtLocation = 1;

    /// <summary>The text at the start and, if nothing fails, at the end.</summary>
    public static (byte Before, byte After) Text(Configuration configuration) =>
        (OldCode, configuration.Windows == 2 ? OldCode : NewCode);

    /// <summary>A program, as the explorer replays it.</summary>
    public static void Run(byte program, Configuration configuration, Mutant mutant)
    {
        switch (program)
        {
            case Patcher:
                RunPatcher(configuration, mutant);
                break;
            case Thread:
                Execute(configuration);
                break;
            case Nmi:
                RunNmi(configuration, mutant);
                break;
            case Stop:
                RunStop(mutant);
                break;
            default:
                RunSeize(mutant);
                break;
        }
    }

    private static void RunPatcher(Configuration configuration, Mutant mutant)
    {
        for (int batch = 0; batch < configuration.Batches.Length; batch++)
        {
            var steps = new SimBreakpointSteps(configuration, mutant, batch);
            BreakpointSequence<SimMachine, SimBreakpointSteps>.Run(ref steps);
            if (steps.IsStuck)
            {
                return; // nothing is changed any more
            }
        }

        for (int window = 0; window < configuration.Windows && !configuration.HasBreakpoints; window++)
        {
            var steps = new SimStopSteps(configuration, mutant, window);
            if (configuration.HostWindow)
            {
                RunInHostWindow(configuration, ref steps);
            }
            else
            {
                StopSequence<SimMachine, SimStopSteps>.Run(ref steps);
            }
        }
    }

    /// <summary>A host that prepares, stops the others, changes text and executes it in its window, as ftrace/patch.h allows.</summary>
    private static void RunInHostWindow(Configuration configuration, ref SimStopSteps steps)
    {
        steps.OpenGate();
        steps.OpenWindow();
        StopSequence<SimMachine, SimStopSteps>.RunInWindow(ref steps);
        Execute(configuration);
        steps.CloseWindow();
        steps.CloseGate();
    }

    private static void RunNmi(Configuration configuration, Mutant mutant)
    {
        if (GateModel.Enter(mutant))
        {
            NmiPath<SimMachine>.Enter(SimMachine.Thread);
        }

        Execute(configuration);
        if (GateModel.Exit(mutant))
        {
            GateModel.ExitSlow();
        }
    }

    /// <summary>StopHandler.OnSignal.</summary>
    private static void RunStop(Mutant mutant)
    {
        byte cookie = Replay.Current.Do(new Op(OpKind.Cookie));
        if (mutant == Mutant.NoDeferral)
        {
            SimMachine.Park(cookie, (void*)1);
            return;
        }

        NmiProtocol<SimMachine>.StopRequested(SimMachine.Thread, cookie, (void*)1);
    }

    /// <summary>
    /// SeizingProcess.Look, which reads and writes the words of a thread while it stands still: so it stands here for steps of its CPU.
    /// </summary>
    private static void RunSeize(Mutant mutant)
    {
        byte cookie = Replay.Current.Do(new Op(OpKind.Cookie));
        if (mutant == Mutant.SeizedInNmi || !NmiProtocol<SimMachine>.DeferStop(SimMachine.Thread, cookie))
        {
            Replay.Current.Do(new Op(OpKind.StandStill, 0, cookie));
            return;
        }

        if (mutant == Mutant.LetGoWithoutNote)
        {
            SimMachine.Write(&SimMachine.Thread->StopPending, 0);
        }

        Replay.Current.Do(new Op(OpKind.LetGo, 0, cookie));
    }

    /// <summary>Executes every location once; where the trap handler says so, once more from the start.</summary>
    private static void Execute(Configuration configuration)
    {
        for (int location = 1; location <= configuration.Locations; location++)
        {
            do
            {
                Replay.Current.Checkpoint(AtLocation, location);
            }
            while (!Execute(location));
        }

        Replay.Current.Checkpoint(AtLocation);
    }

    /// <summary>Fetches the bytes of a location one after the other, and executes it.</summary>
    /// <returns>False if it has to be executed again.</returns>
    private static bool Execute(int location)
    {
        byte first = Replay.Current.Do(new Op(OpKind.Fetch, Word.TextOf(location)));
        if (first == Breakpoint)
        {
            Replay.Current.Do(new Op(OpKind.TrapRaise, (byte)location));
            Replay.Current.Do(new Op(OpKind.TrapDeliver, (byte)location));
            TrapAction action = BreakpointProtocol<SimMachine>.Trap(SimMachine.BreakpointWords, (ulong)location, null);
            Replay.Current.Do(new Op(OpKind.TrapReturn, (byte)location, (byte)action));
            return action != TrapAction.Again;
        }

        bool torn = false;
        for (int i = 1; i < Word.InstructionSize; i++)
        {
            torn |= Replay.Current.Do(new Op(OpKind.Fetch, Word.TextOf(location, i), (byte)i)) != first;
        }

        Replay.Current.Do(new Op(OpKind.Execute, (byte)location, (byte)(torn ? 1 : 0), first));
        return true;
    }
}
