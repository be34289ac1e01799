using System;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// What runs on the simulated CPUs. The protocol is the shipped code; around it, what the rest of the library and
/// the host do, in the same order.
/// </summary>
/// <remarks>
/// What <c>X86Nmi</c> does for the breakpoint method is left out while the other one is at work: it counts, in a word of
/// its own that nobody reads.
/// </remarks>
internal static unsafe class Programs
{
    public const byte Patcher = 0;
    public const byte Thread = 1;
    public const byte Nmi = 2;
    public const byte Stop = 3;

    /// <summary>
    /// A program's number is its kind, one of the four, and which segment of it this is. A context in a new segment has
    /// forgotten how it came there, so that fewer states differ.
    /// </summary>
    public const int Count = Kinds * MaxSegments;

    /// <summary>In place of <see cref="Stop"/>, for a thread that is seized.</summary>
    public static readonly byte Seize = Segment(Stop, 1);

    /// <summary>In place of the segment that follows: none.</summary>
    public const byte End = 0xff;

    public const byte OldCode = 1;
    public const byte NewCode = 2;
    public const byte Breakpoint = 3;

    private const int Kinds = 4;
    private const int MaxSegments = 7;

    [ThreadStatic]
    private static Configuration? s_configuration;

    [ThreadStatic]
    private static byte s_kind;

    [ThreadStatic]
    private static int s_segment;

    /// <summary>The text at the start and, if nothing fails, at the end.</summary>
    public static (byte Before, byte After) Text(Configuration configuration) =>
        (OldCode, configuration.Windows == 2 ? OldCode : NewCode);

    /// <summary>The program that is replayed is the patcher's.</summary>
    public static bool IsPatcher => s_kind == Patcher;

    /// <summary>The machine is not x86.</summary>
    public static bool WeakStores => s_configuration!.WeakStores;

    /// <summary>Writing this location fails.</summary>
    public static bool Fails(byte ip) => ip == s_configuration!.FailingLocation;

    /// <summary>The batch that the patcher's program is about.</summary>
    public static Batch CurrentBatch => s_configuration!.Batches[s_segment / BreakpointPrograms.PatcherSegments];

    /// <summary>A part of it cannot be written at a location; or, at location 0, the membarrier fails.</summary>
    public static bool Fails(TextPart part, bool old, int location) =>
        Array.Exists(s_configuration!.Failures, failure => failure == new Failure(part, location, old));

    /// <summary>Locations that there are.</summary>
    public static int Locations => s_configuration!.Locations;

    public static byte KindOf(byte program) => (byte)(program % Kinds);

    public static byte Segment(byte kind, int number) => (byte)(kind + Kinds * number);

    /// <summary>A program as the explorer replays it: returns the one that follows in the same context, or <see cref="End"/>.</summary>
    public static Func<byte> Get(byte program, Configuration configuration, Mutant mutant) => () =>
    {
        s_configuration = configuration;
        s_kind = KindOf(program);
        s_segment = program / Kinds;
        if (configuration.HasBreakpoints)
        {
            return BreakpointPrograms.Run(s_kind, s_segment, configuration, mutant);
        }

        if (s_segment == 0 || program == Seize)
        {
            Run(configuration, mutant);
        }

        return End;
    };

    private static void Run(Configuration configuration, Mutant mutant)
    {
        switch (s_kind)
        {
            case Patcher:
                RunPatcher(configuration, mutant);
                break;
            case Thread:
                Execute(configuration);
                break;
            case Nmi:
                Enter(mutant);
                Execute(configuration);
                Exit(mutant);
                break;
            default:
                RunStop(mutant);
                break;
        }
    }

    /// <summary>prepare, stop_machine, modify, membarrier, release, post_process: Patcher, PatchGate, StopMethod and StopMachine.</summary>
    private static void RunPatcher(Configuration configuration, Mutant mutant)
    {
        bool gate = mutant is not (Mutant.NoGate or Mutant.GateAfterStop);
        for (int window = 0; window < configuration.Windows; window++)
        {
            byte code = window == 0 ? NewCode : OldCode;
            if (gate)
            {
                NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
            }

            if (mutant != Mutant.NoStop)
            {
                Replay.Current.Do(new Op(OpKind.SendStops));
                if (mutant != Mutant.CountedBeforeStopped)
                {
                    Replay.Current.Do(new Op(OpKind.WaitParked));
                }
            }

            if (mutant == Mutant.GateAfterStop)
            {
                NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
            }

            for (uint ip = 1; ip <= configuration.Locations; ip++)
            {
                if (NmiProtocol<SimMachine>.ModifyCode(SimMachine.State, ip, (byte*)code, Word.InstructionSize) != 0)
                {
                    break;
                }
            }

            if (mutant == Mutant.SeizedGoFirst)
            {
                Replay.Current.Do(new Op(OpKind.Release));
            }

            if (mutant != Mutant.NoSyncAll)
            {
                Replay.Current.Do(new Op(OpKind.SyncAll));
            }

            if (mutant is not (Mutant.NoStop or Mutant.SeizedGoFirst))
            {
                Replay.Current.Do(new Op(OpKind.Release));
            }

            if (mutant != Mutant.NoGate)
            {
                NmiProtocol<SimMachine>.PostProcess(SimMachine.Gate);
            }
        }
    }

    /// <summary>ftrace_nmi_enter() in include/ftrace/nmi-inline.h, statement by statement.</summary>
    public static void Enter(Mutant mutant)
    {
        ulong modifying = SimMachine.Read(SimMachine.Gate);
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        SimMachine.Write(&SimMachine.Thread->Saved, (mutant == Mutant.OneFlag ? NmiThread.Outside : saved) << 1 | modifying);
        if (modifying != 0)
        {
            if (s_configuration!.HasBreakpoints)
            {
                BreakpointProtocol<SimMachine>.EnterNmi(SimMachine.Breakpoint, SimMachine.Thread);
            }

            NmiProtocol<SimMachine>.EnterAnnounced(SimMachine.State);
        }
    }

    /// <summary>ftrace_nmi_exit() in the same file, and ftrace_nmi_exit_slow() in gate.c.</summary>
    public static void Exit(Mutant mutant)
    {
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        ulong decides = mutant == Mutant.ExitByGate ? SimMachine.Read(SimMachine.Gate) : saved & 1;
        if (decides == 0)
        {
            SimMachine.Write(&SimMachine.Thread->Saved, saved >> 1);
        }
        else if (saved != NmiThread.Outside)
        {
            if (s_configuration!.HasBreakpoints)
            {
                BreakpointProtocol<SimMachine>.ExitNmi(SimMachine.Breakpoint, SimMachine.Thread);
            }

            NmiProtocol<SimMachine>.ExitAnnounced(SimMachine.State, SimMachine.Thread);
        }
    }

    /// <summary>
    /// StopHandler.OnSignal; or, for a seized thread, SeizingProcess.Look, which reads and writes the words of the thread while it stands still:
    /// so it stands here for steps of its CPU.
    /// </summary>
    private static void RunStop(Mutant mutant)
    {
        byte cookie = Replay.Current.Do(new Op(OpKind.Cookie));
        bool seized = s_segment != 0;
        if (!seized && mutant == Mutant.NoDeferral)
        {
            SimMachine.Park(cookie, (void*)1);
        }
        else if (!seized)
        {
            NmiProtocol<SimMachine>.StopRequested(SimMachine.Thread, cookie, (void*)1);
        }
        else if (mutant != Mutant.SeizedInNmi && NmiProtocol<SimMachine>.DeferStop(SimMachine.Thread, cookie))
        {
            if (mutant == Mutant.LetGoWithoutNote)
            {
                SimMachine.Write(&SimMachine.Thread->StopPending, 0);
            }

            Replay.Current.Do(new Op(OpKind.LetGo, 0, cookie));
        }
        else
        {
            Replay.Current.Do(new Op(OpKind.StandStill, 0, cookie));
        }
    }

    /// <summary>Executes every location once: fetches its bytes one after the other.</summary>
    private static void Execute(Configuration configuration)
    {
        for (int location = 0; location < configuration.Locations; location++)
        {
            byte first = 0;
            bool torn = false;
            for (int i = 0; i < Word.InstructionSize; i++)
            {
                byte code = Replay.Current.Do(new Op(OpKind.Fetch, (byte)(Word.Text + location * Word.InstructionSize + i), (byte)i));
                torn |= i > 0 && code != first;
                first = code;
            }

            Replay.Current.Do(new Op(OpKind.Execute, (byte)location, (byte)(torn ? 1 : 0)));
        }
    }
}
