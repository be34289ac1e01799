using System;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// What runs on the simulated CPUs. The protocol is the shipped code; around it, what the rest of the library and
/// the host do, in the same order.
/// </summary>
internal static unsafe class Programs
{
    public const byte Patcher = 0;
    public const byte Thread = 1;
    public const byte Nmi = 2;
    public const byte Stop = 3;
    public const int Count = 4;

    private const byte OldCode = 1;
    private const byte NewCode = 2;

    [ThreadStatic]
    private static Configuration? s_configuration;

    [ThreadStatic]
    private static byte s_program;

    /// <summary>The text at the start and, if nothing fails, at the end.</summary>
    public static (byte Before, byte After) Text(Configuration configuration) =>
        (OldCode, configuration.Windows == 2 ? OldCode : NewCode);

    /// <summary>The program that is replayed is the patcher's.</summary>
    public static bool IsPatcher => s_program == Patcher;

    /// <summary>The machine is not x86.</summary>
    public static bool WeakStores => s_configuration!.WeakStores;

    /// <summary>Writing this location fails.</summary>
    public static bool Fails(byte ip) => ip == s_configuration!.FailingLocation;

    /// <summary>A program as the explorer replays it.</summary>
    public static Action Get(byte program, Configuration configuration, Mutant mutant) => () =>
    {
        s_configuration = configuration;
        s_program = program;
        switch (program)
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
    };

    /// <summary>prepare, stop_machine, modify, membarrier, release, post_process: TextPatcher.Patch and StopMachine.</summary>
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
                Replay.Current.Do(new Op(OpKind.WaitParked));
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

            if (mutant != Mutant.NoSyncAll)
            {
                Replay.Current.Do(new Op(OpKind.SyncAll));
            }

            if (mutant != Mutant.NoStop)
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
    private static void Enter(Mutant mutant)
    {
        ulong modifying = SimMachine.Read(SimMachine.Gate);
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        SimMachine.Write(&SimMachine.Thread->Saved, (mutant == Mutant.OneFlag ? NmiThread.Outside : saved) << 1 | modifying);
        if (modifying != 0)
        {
            NmiProtocol<SimMachine>.EnterAnnounced(SimMachine.State);
        }
    }

    /// <summary>ftrace_nmi_exit() in the same file, and ftrace_nmi_exit_slow() in gate.c.</summary>
    private static void Exit(Mutant mutant)
    {
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        ulong decides = mutant == Mutant.ExitByGate ? SimMachine.Read(SimMachine.Gate) : saved & 1;
        if (decides == 0)
        {
            SimMachine.Write(&SimMachine.Thread->Saved, saved >> 1);
        }
        else if (saved != NmiThread.Outside)
        {
            NmiProtocol<SimMachine>.ExitAnnounced(SimMachine.State, SimMachine.Thread);
        }
    }

    /// <summary>StopHandler.OnSignal.</summary>
    private static void RunStop(Mutant mutant)
    {
        byte cookie = Replay.Current.Do(new Op(OpKind.Cookie));
        if (mutant == Mutant.NoDeferral)
        {
            SimMachine.Park(cookie, (void*)1);
        }
        else
        {
            NmiProtocol<SimMachine>.StopRequested(SimMachine.Thread, cookie, (void*)1);
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
