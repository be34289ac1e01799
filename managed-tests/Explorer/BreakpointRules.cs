using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>The steps that only the breakpoint method has, and what must hold for it.</summary>
/// <remarks>
/// Text changes while others fetch it. What is executed must be one code or the other, whole, and the change of a batch
/// must look as if it were done at one moment: who begins to execute one of its locations when somebody has executed
/// the new code of one executes the new code, and nobody executes the old one when the patcher has returned.
/// </remarks>
internal sealed class BreakpointRules(Configuration configuration)
{
    private readonly bool _fails = configuration.Failures.Length > 0;

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
                return foreign == (op.Word == configuration.HostBreakpoint) ? null
                    : foreign ? "a trap of ours goes to the host: the process ends"
                    : "a trap of the host's is taken for ours";
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
                return End(state, failed: op.Value != 0, stuck: op.Expected != 0);
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

        if (!configuration.Stuck && (state[Word.Armed] != 0 || state[Word.Active] != 0 || state[Word.Gate] != 0))
        {
            return "a batch is on at the end";
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

    private string? End(MachineState state, bool failed, bool stuck)
    {
        if (failed != _fails || stuck != configuration.Stuck)
        {
            return "the patcher returns another result than it should";
        }

        Batch batch = Batch.FromWord(state.Batch);
        Settle(state, stuck ? MachineState.AnyCode : batch.Code(old: failed));
        state.Batch = (byte)(stuck ? state.Batch | Batch.Kept : 0);
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
        if (settled != 0 && settled != MachineState.AnyCode && code != settled)
        {
            return "code is executed that was changed before";
        }

        if (batch.Contains(location) && !_fails && code == batch.Code(old: false))
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
