using System;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>The steps that only the breakpoint method has, and what must hold for it.</summary>
/// <remarks>
/// Text changes while others fetch it. What is executed must be one code or the other, whole, and the change of a batch
/// must look as if it were done at one moment: who begins to execute one of its locations when somebody has executed
/// the new code of one executes the new code, and nobody executes the old one when the patcher has returned. A change that fails must
/// look as if it had not been, or as if it had been done at one moment and undone at another.
/// </remarks>
internal sealed class BreakpointRules(Configuration configuration)
{
    private readonly bool _fails = configuration.Failures.Length > 0;

    /// <summary>The change fails before traps execute the new code.</summary>
    private readonly bool _failsEarly =
        Array.Exists(configuration.Failures, failure => failure.Code == PatchCode.New && failure.Part != TextPart.Head);

    public bool IsEnabled(MachineState state, int cpu, Op op) => op.Kind switch
    {
        // /proc says what the innermost context has blocked. It is no barrier.
        OpKind.SeeUnblocked => state.Trap(op.Word) != MachineState.TrapDelivered
            && (state.Mask(op.Word) & TopBit(state, op.Word)) == 0,

        // The interrupt comes between two instructions, and nobody stays inside of one.
        OpKind.SyncAll => state.Buffered(cpu) == 0 && !IsAnyoneFetching(state),
        _ => true,
    };

    /// <summary>NMIs leave SIGTRAP blocked, or as it was.</summary>
    public void Arrive(MachineState state, int cpu, bool blocks)
    {
        int top = TopBit(state, cpu);
        bool blocked = blocks || (state.Mask(cpu) & top >> 1) != 0;
        state.Mask(cpu) |= (byte)(blocked ? top : 0);
        state.ArrivalMask(cpu) |= (byte)(blocked ? top : 0);
    }

    /// <summary>The innermost context ends, which puts back the mask underneath.</summary>
    public string? Leave(MachineState state, int cpu)
    {
        int top = TopBit(state, cpu);
        bool same = ((state.Mask(cpu) ^ state.ArrivalMask(cpu)) & top) == 0;
        state.Mask(cpu) &= (byte)~top;
        state.ArrivalMask(cpu) &= (byte)~top;
        return same ? null : "an NMI leaves with another signal mask than it came with";
    }

    public string? Step(MachineState state, int cpu, Op op, ref byte result)
    {
        switch (op.Kind)
        {
            case OpKind.Fetch:
                if (op.Value == 0)
                {
                    state.Began(cpu) = state.Settled(Word.LocationOf(op.Word));
                }

                return null;
            case OpKind.Execute:
                return Executed(state, cpu, op.Word, op.Expected);
            case OpKind.TrapRaise:
                state.Fetching(cpu) = 0;
                state.Serialize(cpu);
                state.Trap(cpu) = MachineState.TrapRaised;
                return (state.Mask(cpu) & TopBit(state, cpu)) != 0 ? "SIGTRAP is raised while it is blocked: the process ends" : null;
            case OpKind.TrapDeliver:
                state.Trap(cpu) = MachineState.TrapDelivered;
                return null;
            case OpKind.Emulate:
                return op.Expected == state.Batch || op.Expected == (state.Batch | Batch.Kept)
                    ? Executed(state, cpu, op.Word, op.Value)
                    : "a trap handler looks at a batch that is gone";
            case OpKind.TrapReturn:
                state.Trap(cpu) = 0;
                state.Began(cpu) = 0;
                bool foreign = op.Value == (byte)TrapAction.Foreign;
                if (foreign == (op.Word == configuration.HostBreakpoint))
                {
                    return null;
                }

                return foreign ? "a trap of ours goes to the host: the process ends" : "a trap of the host's is taken for ours";
            case OpKind.UnblockTrap:
                result = (byte)((state.Mask(cpu) & TopBit(state, cpu)) != 0 ? 1 : 0);
                state.Mask(cpu) &= (byte)~TopBit(state, cpu);
                return null;
            case OpKind.BlockTrap:
                state.Mask(cpu) |= (byte)TopBit(state, cpu);
                return null;
            case OpKind.BeginBatch:
                state.Batch = op.Value;
                Settle(state, 0);
                for (int other = 0; other < configuration.Cpus; other++)
                {
                    state.Began(other) = 0;
                }

                return null;
            case OpKind.EndBatch:
                return End(state, (Outcome)op.Word);
            default:
                return null;
        }
    }

    /// <summary>What must hold at the end.</summary>
    public string? CheckEnd(MachineState state)
    {
        if (state[Word.HeldNmis] != 0 || state[Word.Handlers] != 0)
        {
            return $"{state[Word.HeldNmis]} held NMIs and {state[Word.Handlers]} trap handlers are left at the end";
        }

        byte on = (byte)(configuration.Stuck ? 1 : 0);
        if (state[Word.Armed] != on || state[Word.Active] != on || state[Word.Gate] != on)
        {
            return configuration.Stuck ? "a batch that is left behind is not on at the end" : "a batch is on at the end";
        }

        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Own(cpu, Word.Held) != 0 || state.Own(cpu, Word.Unblocked) != 0)
            {
                return $"words of CPU {cpu} are not balanced at the end";
            }
        }

        for (int location = 1; location <= configuration.Locations; location++)
        {
            byte settled = state.Settled(location);
            for (int at = 0; at < Word.InstructionSize; at++)
            {
                byte expected = at == 0 && location == configuration.HostBreakpoint ? Programs.Breakpoint : settled;
                if (settled != MachineState.AnyCode && state[Word.TextOf(location, at)] != expected)
                {
                    return $"byte {at} of location {location} is wrong at the end";
                }
            }
        }

        return null;
    }

    private string? End(MachineState state, Outcome outcome)
    {
        if (outcome != configuration.Outcome)
        {
            return "the patcher returns another result than it should";
        }

        if (outcome == Outcome.Stuck)
        {
            Settle(state, MachineState.AnyCode);
            state.Batch |= Batch.Kept;
            return null;
        }

        Settle(state, Batch.FromWord(state.Batch).Code(outcome == Outcome.Changed ? PatchCode.New : PatchCode.Old));
        state.Batch = 0;
        return null;
    }

    /// <summary>Who begins to execute a location of the batch from here on executes this code.</summary>
    private void Settle(MachineState state, byte code)
    {
        Batch batch = Batch.FromWord(state.Batch);
        for (int location = 1; location <= configuration.Locations; location++)
        {
            if (batch.Contains(location))
            {
                state.Settled(location) = code;
            }
        }
    }

    private string? Executed(MachineState state, int cpu, int location, byte code)
    {
        Batch batch = Batch.FromWord(state.Batch);
        byte settled = batch.Contains(location) ? state.Began(cpu) : state.Settled(location);
        state.Began(cpu) = 0;
        if (settled is Programs.OldCode or Programs.NewCode && code != settled)
        {
            return "code is executed that was changed before";
        }

        bool isNew = code == batch.Code(PatchCode.New);
        if (!batch.Contains(location) || state.Settled(location) == MachineState.AnyCode)
        {
            return null;
        }

        if (isNew && _failsEarly && settled == 0)
        {
            return "new code is executed of a change that failed before";
        }

        if (isNew && state.Settled(location) == 0)
        {
            Settle(state, _fails ? MachineState.MayGoBack : code);
        }
        else if (!isNew && settled == MachineState.MayGoBack)
        {
            Settle(state, code);
        }

        return null;
    }

    private bool IsAnyoneFetching(MachineState state)
    {
        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Fetching(cpu) != 0)
            {
                return true;
            }
        }

        return false;
    }

    private static int TopBit(MachineState state, int cpu) => 1 << state.Frames(cpu) >> 1;
}
