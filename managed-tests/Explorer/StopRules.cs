namespace Ftrace.Tests.Explorer;

/// <summary>The steps that only the stop method has, and what must hold for it.</summary>
/// <remarks>
/// No byte changes under anybody who fetches it: <see cref="Simulation"/> sees to that. Besides, who begins to execute a location that
/// the patcher has changed, or put back, executes that code and no other.
/// </remarks>
internal sealed class StopRules(Configuration configuration)
{
    public string? Step(MachineState state, int cpu, Op op)
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
                byte settled = state.Began(cpu);
                state.Began(cpu) = 0;
                return settled is Programs.OldCode or Programs.NewCode && op.Expected != settled
                    ? "code is executed that was changed before"
                    : null;
            case OpKind.BeginUnit:
                for (int location = 1; location < op.Word; location++)
                {
                    state.Settled(location) = op.Value;
                }

                state.Settled(op.Word) = 0;
                return null;
            case OpKind.EndUnits:
                return End(state, (Outcome)op.Word, op.Value);
            case OpKind.Migrate:
                for (int location = 1; location <= configuration.Locations; location++)
                {
                    for (int at = 0; at < Word.InstructionSize; at++)
                    {
                        state.Stale(cpu, Word.TextOf(location, at)) |= 1 << Programs.OldCode | 1 << Programs.NewCode;
                    }
                }

                return null;
            default:
                return null;
        }
    }

    /// <summary>What must hold at the end.</summary>
    public string? CheckEnd(MachineState state)
    {
        for (int location = 1; location <= configuration.Locations; location++)
        {
            byte settled = state.Settled(location);
            for (int at = 0; at < Word.InstructionSize && settled != MachineState.AnyCode; at++)
            {
                if (state[Word.TextOf(location, at)] != settled)
                {
                    return $"byte {at} of location {location} is wrong at the end";
                }
            }
        }

        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (!state.IsSerialized(cpu))
            {
                return $"CPU {cpu} may still execute old text at the end";
            }
        }

        return null;
    }

    private string? End(MachineState state, Outcome outcome, byte code)
    {
        if (outcome != configuration.Outcome)
        {
            return "the patcher returns another result than it should";
        }

        for (int location = 1; location <= configuration.Locations; location++)
        {
            state.Settled(location) = outcome == Outcome.Stuck ? MachineState.AnyCode : code;
        }

        return null;
    }
}
