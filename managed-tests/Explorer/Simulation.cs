using System.Collections.Generic;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// x86-TSO with signals: what may happen in a state, what comes of it, and what must hold. Or, where a
/// configuration says so, a machine with weaker stores.
/// </summary>
/// <remarks>
/// Each CPU has a store buffer, first in, first out, with forwarding to its own loads; a locked operation needs it
/// empty. Interrupts come between instructions. A fetch of an instruction is several steps, and each may see what
/// memory has, what the CPU itself has stored, or what was there before the byte changed, as long as the CPU has
/// not serialized since.
/// </remarks>
internal sealed class Simulation(Configuration configuration, Mutant mutant)
{
    private readonly ProgramTree _tree = new(configuration, mutant);
    private readonly BreakpointRules _breakpointRules = new(configuration);
    private readonly StopRules _stopRules = new(configuration);
    private readonly List<byte> _results = [];
    private readonly List<Transition> _rest = [];

    public MachineState Initial()
    {
        var state = new MachineState(configuration.Cpus);
        for (int i = 0; i < configuration.Locations * Word.InstructionSize; i++)
        {
            state[(byte)(Word.Text + i)] = Programs.Text(configuration).Before;
        }

        for (int location = 1; location <= configuration.Locations; location++)
        {
            state.Settled(location) = Programs.OldCode;
            if (location == configuration.HostBreakpoint)
            {
                state[Word.TextOf(location)] = Programs.Breakpoint;
            }
        }

        state[Word.Gate] = mutant == Mutant.NoGate ? (byte)1 : (byte)0;
        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            state.Own(cpu, Word.Saved) = (byte)NmiThread.Outside;
            state.Budget(cpu) = (byte)configuration.Nmis[cpu];
            state.Push(cpu, _tree.Start(cpu == 0 ? Programs.Patcher : Programs.Thread));
        }

        return state;
    }

    public bool IsSeized(int cpu) => configuration.IsSeized(cpu);

    /// <summary>The next step of a CPU's topmost context; <see cref="OpKind.Done"/> if it has none.</summary>
    public Op NextOp(MachineState state, int cpu) =>
        state.Frames(cpu) == 0 ? default : _tree.OpAt(state.Frame(cpu, state.Frames(cpu) - 1));

    /// <summary>The program of a CPU's topmost context.</summary>
    public byte TopProgram(MachineState state, int cpu) =>
        _tree.ProgramAt(state.Frame(cpu, state.Frames(cpu) - 1));

    /// <summary>Everything that may happen.</summary>
    public void Enabled(MachineState state, List<Transition> transitions)
    {
        transitions.Clear();
        for (byte cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Frames(cpu) > 0)
            {
                Results(state, cpu, NextOp(state, cpu));
                foreach (byte result in _results)
                {
                    transitions.Add(new Transition(Transition.Step, cpu, result));
                }
            }

            for (byte at = 0; at < state.Buffered(cpu) && (at == 0 || configuration.WeakStores); at++)
            {
                if (IsFirstOfItsWord(state, cpu, at))
                {
                    transitions.Add(new Transition(Transition.Flush, cpu, at));
                }
            }

            if (state.Fetching(cpu) != 0 || state.Trap(cpu) != 0)
            {
                continue;
            }

            // A parked thread has the stop signal blocked, in its handler or on the way out of an NMI. A thread that is seized
            // has entered the kernel, which drains its store buffer.
            if (state.StopPending(cpu) != 0 && state.Parked(cpu) == 0 && Count(state, cpu, StopProgram(cpu)) == 0
                && (!configuration.IsSeized(cpu) || state.Buffered(cpu) == 0))
            {
                transitions.Add(new Transition(Transition.Stop, cpu));
            }

            if (!TakesNoNmi(state, cpu) && state.Budget(cpu) > 0 && Count(state, cpu, Programs.Nmi) < configuration.Nesting)
            {
                transitions.Add(new Transition(Transition.Nmi, cpu));
                if (configuration.MixedMasks)
                {
                    transitions.Add(new Transition(Transition.Nmi, cpu, Transition.LeavesMask));
                }
            }
        }
    }

    /// <summary>Makes a transition; returns what is wrong with it, or null.</summary>
    public string? Apply(MachineState state, Transition transition)
    {
        int cpu = transition.Cpu;
        switch (transition.Kind)
        {
            case Transition.Flush:
                (byte word, byte value) = state.Unbuffer(cpu, transition.Result);
                return Store(state, word, value);
            case Transition.Nmi:
                state.Budget(cpu)--;
                state.Push(cpu, _tree.Start(Programs.Nmi));
                if (configuration.NoMembarrier)
                {
                    state.Serialize(cpu); // the kernel returns to a handler by iret
                }

                _breakpointRules.Arrive(state, cpu, blocks: transition.Result != Transition.LeavesMask);
                return null;
            case Transition.Stop:
                state.Cookie(cpu) = state.StopPending(cpu);
                state.StopPending(cpu) = 0;
                state.Push(cpu, _tree.Start(StopProgram(cpu)));
                return null;
            default:
                return Step(state, cpu, NextOp(state, cpu), transition.Result);
        }
    }

    /// <summary>
    /// If nothing more can happen, but for NMIs that may never come: what must hold then. Null also if something can.
    /// </summary>
    public string? CheckRest(MachineState state)
    {
        Enabled(state, _rest);
        if (_rest.Exists(static transition => transition.Kind != Transition.Nmi))
        {
            return null;
        }

        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Frames(cpu) > 0)
            {
                return "deadlock: nobody can go on";
            }
        }

        return CheckEnd(state);
    }

    private string? CheckEnd(MachineState state)
    {
        if (state[Word.NmiRunning] != 0)
        {
            return $"nmi_running is {state[Word.NmiRunning]:x2} at the end";
        }

        if ((configuration.HasBreakpoints ? _breakpointRules.CheckEnd(state) : _stopRules.CheckEnd(state)) is { } wrong)
        {
            return wrong;
        }

        if (state[Word.Gate] != (configuration.Stuck || mutant == Mutant.NoGate ? 1 : 0))
        {
            return "the gate is not as it should be at the end";
        }

        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Own(cpu, Word.Saved) != NmiThread.Outside || state.Own(cpu, Word.StopPending) != 0)
            {
                return $"saved word of CPU {cpu} is not balanced at the end";
            }
        }

        return null;
    }

    /// <summary>What a stop makes of the CPU's thread.</summary>
    private byte StopProgram(int cpu) => configuration.IsSeized(cpu) ? Programs.Seize : Programs.Stop;

    /// <summary>
    /// A seized thread takes no NMI, from when it is stopped until it is let go. A parked one does; what becomes of those that come then,
    /// where there is no membarrier, is not explored: see docs/protocol.md.
    /// </summary>
    private bool TakesNoNmi(MachineState state, int cpu) =>
        (state.Frames(cpu) > 0 && _tree.ProgramAt(state.Frame(cpu, state.Frames(cpu) - 1)) == Programs.Seize)
        || (configuration.NoMembarrier && state.Parked(cpu) != 0);

    /// <summary>Stores to one word keep their order on every machine.</summary>
    private static bool IsFirstOfItsWord(MachineState state, int cpu, int at)
    {
        for (int i = 0; i < at; i++)
        {
            if (state.BufferedWord(cpu, i) == state.BufferedWord(cpu, at))
            {
                return false;
            }
        }

        return true;
    }

    private int Count(MachineState state, int cpu, byte program)
    {
        int count = 0;
        for (int depth = 0; depth < state.Frames(cpu); depth++)
        {
            count += _tree.ProgramAt(state.Frame(cpu, depth)) == program ? 1 : 0;
        }

        return count;
    }

    /// <summary>The results that a step may have now; none: it has to wait.</summary>
    private void Results(MachineState state, int cpu, Op op)
    {
        _results.Clear();
        if (configuration.HasBreakpoints && !_breakpointRules.IsEnabled(state, cpu, op))
        {
            return;
        }

        bool drained = state.Buffered(cpu) == 0;
        switch (op.Kind)
        {
            case OpKind.LockedInc or OpKind.LockedDec or OpKind.LockedCmpxchg or OpKind.LockedAndNot or OpKind.LockedOr
                or OpKind.LockedOther or OpKind.SyncCore:
                // With weak stores they touch memory past the buffer: nobody stores to such a word in another way.
                if (drained || configuration.WeakStores)
                {
                    _results.Add(0);
                }

                break;
            case OpKind.Barrier or OpKind.SendStops or OpKind.SyncAll or OpKind.Release or OpKind.Migrate:
                if (drained)
                {
                    _results.Add(0);
                }

                break;
            case OpKind.Relax:
                // Enough to be complete: until then each turn of the loop would see the same.
                if (state[op.Word] != op.Value && (drained || configuration.WeakStores))
                {
                    _results.Add(0);
                }

                if (configuration.GivesUp && op.Word == Word.HeldNmis)
                {
                    _results.Add(1);
                }

                break;
            case OpKind.WaitParked:
                if (state.Joined == configuration.Cpus - 1)
                {
                    _results.Add(0);
                }

                break;
            case OpKind.Park or OpKind.StandStill:
                if (state.Parked(cpu) == 0 ? drained : state.Parked(cpu) != state.Generation)
                {
                    _results.Add(0);
                }

                break;
            case OpKind.Fetch:
                AddFetched(state, cpu, op.Word);
                break;
            default:
                _results.Add(0);
                break;
        }
    }

    private void AddFetched(MachineState state, int cpu, byte word)
    {
        byte value = state[word];
        _results.Add(value);
        if (state.Forwards(cpu, word, out byte own) && own != value)
        {
            _results.Add(own);
        }

        for (byte before = Programs.OldCode; before <= Programs.Breakpoint; before++)
        {
            if ((state.Stale(cpu, word) & Bit(before)) != 0 && !_results.Contains(before))
            {
                _results.Add(before);
            }
        }
    }

    private string? Step(MachineState state, int cpu, Op op, byte result)
    {
        byte program = TopProgram(state, cpu);
        if (program == Programs.Nmi && TouchesShared(op) && state.Trap(cpu) == 0 && (state.Own(cpu, Word.Saved) & 1) == 0)
        {
            return $"an NMI that found the gate closed touches shared state: {op.Kind}";
        }

        string? wrong = null;
        switch (op.Kind)
        {
            case OpKind.Read:
                result = state.Forwards(cpu, op.Word, out byte own) ? own : state[op.Word];
                break;
            case OpKind.Write or OpKind.WriteText:
                if (op.Kind == OpKind.WriteText && (op.Word < Word.Text || op.Word >= Word.Text + configuration.Locations * Word.InstructionSize || op.Value == 0))
                {
                    return "text is written from buffers that were never announced";
                }

                state.Buffer(cpu, op.Word, op.Value);
                break;
            case OpKind.ReadOwn:
                result = state.Own(cpu, op.Word);
                break;
            case OpKind.WriteOwn:
                state.Own(cpu, op.Word) = op.Value;
                break;
            case OpKind.LockedInc:
                result = ++state[op.Word];
                break;
            case OpKind.LockedDec:
                if ((state[op.Word] & ~Word.WriteFlag) == 0)
                {
                    return $"{Trace.Name(op.Word)} falls below 0";
                }

                state[op.Word]--;
                break;
            case OpKind.LockedCmpxchg:
                result = state[op.Word];
                if (result == op.Expected)
                {
                    state[op.Word] = op.Value;
                }

                break;
            case OpKind.LockedAndNot:
                state[op.Word] &= (byte)~op.Value;
                break;
            case OpKind.LockedOr:
                state[op.Word] |= op.Value;
                break;
            case OpKind.SyncCore:
                state.Serialize(cpu);
                wrong = op.Value != 0 && state[Word.Status] != 0 && (state[Word.NmiRunning] & Word.WriteFlag) != 0
                    ? "an NMI whose write failed leaves the flag set for the next one"
                    : null;
                break;
            case OpKind.SyncAll:
                for (int other = 0; other < configuration.Cpus; other++)
                {
                    if (other != cpu)
                    {
                        state.Serialize(other);
                    }
                }

                break;
            case OpKind.SendStops:
                state.Generation++;
                for (int other = 1; other < configuration.Cpus; other++)
                {
                    state.StopPending(other) = state.Generation;
                }

                break;
            case OpKind.Release:
                state.Generation++;
                state.Joined = 0;
                break;
            case OpKind.Cookie:
                result = state.Cookie(cpu);
                break;
            case OpKind.Park or OpKind.StandStill:
                if (state.Parked(cpu) == 0 && op.Value == state.Generation)
                {
                    state.Parked(cpu) = op.Value;
                    state.Joined++;
                    return null; // stays at this step until the release
                }

                result = state.Parked(cpu);
                state.Parked(cpu) = 0;
                break;
            case OpKind.Fetch:
                state.Fetching(cpu) = (byte)Word.LocationOf(op.Word);
                break;
            case OpKind.Execute:
                state.Fetching(cpu) = 0;
                wrong = op.Value != 0 ? "a torn instruction is executed" : null;
                break;
        }

        wrong ??= configuration.HasBreakpoints ? _breakpointRules.Step(state, cpu, op, ref result) : _stopRules.Step(state, cpu, op);

        state.SetTop(cpu, _tree.After(state.Frame(cpu, state.Frames(cpu) - 1), result));
        if (NextOp(state, cpu).Kind == OpKind.Done)
        {
            wrong ??= _breakpointRules.Leave(state, cpu);
            state.Pop(cpu);
        }

        return wrong;
    }

    private static bool TouchesShared(Op op) =>
        op.Kind is OpKind.Write or OpKind.WriteText or OpKind.LockedInc or OpKind.LockedDec or OpKind.LockedAndNot or OpKind.LockedOther
        || (op.Kind == OpKind.Read && op.Word is not (Word.Gate or Word.SerializeParked));

    /// <summary>A store reaches memory.</summary>
    private string? Store(MachineState state, byte word, byte value)
    {
        byte before = state[word];
        state[word] = value;
        if (word < Word.Text || before == value)
        {
            return null;
        }

        string? wrong = null;
        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            if (state.Fetching(cpu) == Word.LocationOf(word) && !configuration.HasBreakpoints)
            {
                wrong = $"an instruction changes while CPU {cpu} fetches it";
            }

            // Stores may go through another mapping, even past the CPU that makes them.
            state.Stale(cpu, word) |= Bit(before);
        }

        return wrong;
    }

    private static byte Bit(byte value) => (byte)(1 << value);
}
