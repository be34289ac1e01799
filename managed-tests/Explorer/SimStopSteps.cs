using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>The steps of the stop method on the simulated machine; the order is the shipped one's, <see cref="StopSequence{TMachine, TSteps}"/>.</summary>
internal unsafe struct SimStopSteps(Configuration configuration, Mutant mutant, int window) : IStopSteps, IWindow
{
    // Checkpoints:
    private const byte AtUnit = 10;
    private const byte AtWindow = 11;
    private const byte AtRelease = 12;

    private Outcome _outcome;

    public readonly int Count => configuration.Locations;

    /// <summary>Before the change and after it.</summary>
    private readonly byte CodeOf(PatchCode code) => code == PatchCode.Old == (window == 0) ? Programs.OldCode : Programs.NewCode;

    public readonly int OpenGate()
    {
        if (mutant is not (Mutant.NoGate or Mutant.GateAfterStop))
        {
            NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
        }

        return 0;
    }

    public readonly int OpenWindow()
    {
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

        Replay.Current.Checkpoint(AtWindow, window);
        return 0;
    }

    public readonly int Prepare() => 0;

    /// <summary>A unit is one location. Those before it are changed.</summary>
    public readonly TextUnit NextUnit(int from, int to, PatchCode code)
    {
        Replay.Current.Checkpoint(AtUnit, ((window << 2) + from << 2) + to << 1 | (int)code);
        Replay.Current.Do(new Op(OpKind.BeginUnit, (byte)(from + 1), CodeOf(code)));
        return new TextUnit((ulong)from + 1, CodeOf(code), Word.InstructionSize, from + 1);
    }

    public readonly void ClosePages()
    {
    }

    public void MoveThreads() => End(Outcome.Changed);

    public int ErrorOfWrite(int error)
    {
        End(Outcome.PutBack);
        return error;
    }

    public int GiveUp()
    {
        SimMachine.Write(SimMachine.Killed, 1);
        End(Outcome.Stuck);
        return -Linux.Errno.EIO;
    }

    /// <summary>The thread may be on another CPU than when it changed the text; that one has fetched what it liked.</summary>
    public void CloseWindow()
    {
        Replay.Current.Checkpoint(AtRelease, window << 2 | (int)_outcome);
        Replay.Current.Do(new Op(OpKind.Migrate));
        if (mutant == Mutant.SeizedGoFirst)
        {
            Replay.Current.Do(new Op(OpKind.Release));
        }

        ReleaseProtocol<SimMachine>.Run(ref this);
    }

    public readonly void LetGo()
    {
        if (mutant is not (Mutant.NoStop or Mutant.SeizedGoFirst))
        {
            Replay.Current.Do(new Op(OpKind.Release));
        }
    }

    public readonly void CloseGate()
    {
        if (mutant != Mutant.NoGate)
        {
            NmiProtocol<SimMachine>.PostProcess(SimMachine.Gate, SimMachine.Killed);
        }
    }

    private void End(Outcome outcome)
    {
        _outcome = outcome;
        byte code = CodeOf(outcome == Outcome.Changed ? PatchCode.New : PatchCode.Old);
        Replay.Current.Do(new Op(OpKind.EndUnits, (byte)outcome, code));
    }
}
