using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// The steps of the breakpoint method on the simulated machine; the order is the shipped one's,
/// <see cref="BreakpointSequence{TMachine, TSteps}"/>.
/// </summary>
internal unsafe struct SimBreakpointSteps(Configuration configuration, Mutant mutant, int number) : IBreakpointSteps
{
    // Checkpoints:
    private const byte AtLook = 20;
    private const byte AtPages = 21;
    private const byte AtEnd = 22;

    private Outcome _outcome;
    private bool _began;

    /// <summary>The batch could be neither changed nor put back.</summary>
    public readonly bool IsStuck => _outcome == Outcome.Stuck;

    private readonly byte BatchWord => configuration.Batches[number].Word(number);

    /// <summary>The host has opened the gate.</summary>
    private readonly bool IsPrepared => configuration.GateStaysOpen && number > 0;

    public readonly int OpenGate()
    {
        if (!IsPrepared && mutant != Mutant.GateAfterLook)
        {
            NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
        }

        return 0;
    }

    public readonly int Begin() => 0;

    public readonly int ErrorOfSync(int error) => error;

    /// <summary>TrapDelivery.Wait.</summary>
    public readonly int LookAtMasks()
    {
        Replay.Current.Checkpoint(AtLook, number << 1 | (IsStuck ? 1 : 0));
        for (int cpu = 1; cpu < configuration.Cpus && mutant != (IsStuck ? Mutant.NoKeepWait : Mutant.NoLook); cpu++)
        {
            Replay.Current.Do(new Op(OpKind.SeeUnblocked, (byte)cpu));
        }

        if (!IsPrepared && mutant == Mutant.GateAfterLook)
        {
            NmiProtocol<SimMachine>.Prepare(SimMachine.Gate);
        }

        return 0;
    }

    /// <summary>Not here: they arrive all along.</summary>
    public readonly void BlockNmis()
    {
    }

    public int OpenPages()
    {
        Replay.Current.Checkpoint(AtPages, number);
        if (mutant == Mutant.DisarmFirst)
        {
            BreakpointProtocol<SimMachine>.Disarm(SimMachine.BreakpointWords);
        }

        _began = true;
        SimMachine.CurrentBatch = configuration.Batches[number];
        Replay.Current.Do(new Op(OpKind.BeginBatch, 0, BatchWord));
        Replay.Current.Do(new Op(OpKind.Write, Word.Keys, BatchWord));
        return 0;
    }

    public readonly void ClosePages()
    {
    }

    /// <summary>The batch is the caller's memory again.</summary>
    public int ErrorOfWrite(int error)
    {
        _outcome = error == 0 ? Outcome.Changed : Outcome.PutBack;
        Replay.Current.Do(new Op(OpKind.Write, Word.Keys, 0));
        Replay.Current.Do(new Op(OpKind.EndBatch, (byte)_outcome));
        return error;
    }

    public int Keep()
    {
        _outcome = Outcome.Stuck;
        SimMachine.Write(SimMachine.Killed, 1);
        Replay.Current.Do(new Op(OpKind.Write, Word.Keys, (byte)(BatchWord | Batch.Kept)));
        return -Linux.Errno.EIO;
    }

    public readonly void End(int error)
    {
        Replay.Current.Checkpoint(AtEnd, number << 3 | (_began ? 1 : 0) << 2 | (int)_outcome);
        if (IsStuck)
        {
            Replay.Current.Do(new Op(OpKind.EndBatch, (byte)Outcome.Stuck));
        }
    }

    public readonly void CloseGate()
    {
        if (!configuration.GateStaysOpen || number == configuration.Batches.Length - 1)
        {
            NmiProtocol<SimMachine>.PostProcess(SimMachine.Gate, SimMachine.Killed);
        }
    }
}
