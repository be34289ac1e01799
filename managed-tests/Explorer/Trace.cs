using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>Prints a schedule so that a person can follow it: a column a CPU, a line a step.</summary>
internal static class Trace
{
    private const int Width = 44;

    public static string Print(Configuration configuration, Mutant mutant, IReadOnlyList<Transition> schedule, string? violation)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"configuration: {configuration.Name}\nmutant: {mutant}\nviolation: {violation ?? "none"}\n\n");
        text.Append("     ");
        for (int cpu = 0; cpu < configuration.Cpus; cpu++)
        {
            text.Append((cpu == 0 ? "CPU 0, patcher" : $"CPU {cpu}").PadRight(Width));
        }

        text.Length = TrimmedLength(text);
        text.Append('\n');
        var simulation = new Simulation(configuration, mutant);
        MachineState state = simulation.Initial();
        int line = 0;
        foreach (Transition transition in schedule)
        {
            string what = Describe(simulation, state, transition);
            simulation.Apply(state, transition);
            text.Append(CultureInfo.InvariantCulture, $"{++line,3}  ");
            text.Append(' ', Width * transition.Cpu);
            text.Append(what);
            text.Append('\n');
        }

        text.Append("\nschedule: ");
        text.AppendJoin(' ', schedule);
        text.Append('\n');
        return text.ToString();
    }

    private static int TrimmedLength(StringBuilder text)
    {
        int length = text.Length;
        while (text[length - 1] == ' ')
        {
            length--;
        }

        return length;
    }

    private static string Describe(Simulation simulation, MachineState state, Transition transition)
    {
        int cpu = transition.Cpu;
        switch (transition.Kind)
        {
            case Transition.Nmi:
                return transition.Result == Transition.LeavesMask ? "--> NMI that leaves SIGTRAP as it was" : "--> NMI";
            case Transition.Stop:
                return simulation.IsSeized(cpu) ? "--> seized" : "--> stop signal";
            case Transition.Flush:
                (byte word, byte value) = state.Clone().Unbuffer(cpu, transition.Result);
                return $"(store to {Name(word)} reaches memory: {(word == Word.Keys ? Value(word, value) : value)})";
        }

        Op op = simulation.NextOp(state, cpu);
        string who = simulation.TopProgram(state, cpu) switch
        {
            Programs.Patcher => string.Empty,
            Programs.Thread => "thread: ",
            Programs.Nmi => "NMI: ",
            _ => "stop: ",
        };
        if (state.Trap(cpu) == MachineState.TrapDelivered)
        {
            who += "trap: ";
        }

        byte now = op.Word < Word.Text + 4 ? state[op.Word] : (byte)0;
        byte seen = state.Forwards(cpu, op.Word, out byte own) ? own : now;
        return who + op.Kind switch
        {
            OpKind.Read => $"read {Name(op.Word)} = {Value(op.Word, seen)}",
            OpKind.Write => $"write {Name(op.Word)} = {Value(op.Word, op.Value)}",
            OpKind.ReadOwn => $"own {OwnName(op.Word)} = {OwnValue(op.Word, state.Own(cpu, op.Word))}",
            OpKind.WriteOwn => $"own {OwnName(op.Word)} := {OwnValue(op.Word, op.Value)}",
            OpKind.LockedInc => $"lock inc {Name(op.Word)}, was {Value(op.Word, now)}",
            OpKind.LockedDec => $"lock dec {Name(op.Word)}, was {Value(op.Word, now)}",
            OpKind.LockedCmpxchg => now == op.Expected ? $"cmpxchg {Name(op.Word)}: flag set" : $"cmpxchg {Name(op.Word)} fails: {Value(op.Word, now)}",
            OpKind.LockedAndNot => $"lock and {Name(op.Word)}: flag clear",
            OpKind.LockedOr => $"lock or {Name(op.Word)}: flag set, was {Value(op.Word, now)}",
            OpKind.LockedOther => "lock inc nmi_update_count",
            OpKind.Barrier => "full barrier",
            OpKind.SyncCore => "sync_core",
            OpKind.WriteText => $"write text {Name(op.Word)} = {op.Value}",
            OpKind.Relax => transition.Result == 0 ? $"{Name(op.Word)} changed, look again" : "gives up",
            OpKind.Cookie => $"generation {state.Cookie(cpu)}",
            OpKind.Park => state.Parked(cpu) == 0 && op.Value == state.Generation ? "park: joins the stop" : "goes on",
            OpKind.StandStill => state.Parked(cpu) == 0 && op.Value == state.Generation ? "stands still, seized" : "goes on",
            OpKind.LetGo => "goes on to the end of its NMI",
            OpKind.Fetch => $"fetch {Name(op.Word)}: {transition.Result}",
            OpKind.Execute => op.Value != 0 ? "execute: TORN" : "execute",
            OpKind.SendStops => "send stop signals",
            OpKind.WaitParked => "all are parked",
            OpKind.SyncAll => "membarrier",
            OpKind.Migrate => "goes on on another core",
            OpKind.BeginUnit => $"begins with location {(char)('A' + op.Word - 1)}: {op.Value}",
            OpKind.EndUnits => Describe((Outcome)op.Word),
            OpKind.Release => "release",
            OpKind.SeeUnblocked => $"CPU {op.Word} has SIGTRAP unblocked",
            OpKind.BeginBatch => "the batch begins",
            OpKind.EndBatch => Describe((Outcome)op.Word),
            OpKind.TrapRaise => "executes a breakpoint",
            OpKind.TrapDeliver => "--> SIGTRAP",
            OpKind.TrapReturn => (TrapAction)op.Value switch
            {
                TrapAction.Executed => "goes on after it",
                TrapAction.Again => "executes it again",
                _ => "the host's",
            },
            OpKind.Emulate => $"executes {Code(op.Value)} code",
            OpKind.UnblockTrap => "unblocks SIGTRAP",
            OpKind.BlockTrap => "blocks SIGTRAP",
            _ => op.Kind.ToString(),
        };
    }

    public static string Name(byte word) => word switch
    {
        Word.Gate => "modifying_code",
        Word.NmiRunning => "nmi_running",
        Word.Ip => "mod_code_ip",
        Word.Newcode => "mod_code_newcode",
        Word.Len => "mod_code_len",
        Word.Status => "mod_code_status",
        Word.Armed => "armed",
        Word.HeldNmis => "held_nmis",
        Word.Active => "active",
        Word.Code => "code",
        Word.Handlers => "handlers",
        Word.Keys => "keys",
        Word.SerializeParked => "serialize_parked",
        _ => $"{(char)('A' + Word.LocationOf(word) - 1)}[{(word - Word.Text) % Word.InstructionSize}]",
    };

    private static string Describe(Outcome outcome) => outcome switch
    {
        Outcome.Changed => "the batch is done",
        Outcome.PutBack => "the batch has been put back",
        _ => "the batch is stuck",
    };

    private static string Value(byte word, byte value) => word switch
    {
        Word.NmiRunning when (value & Word.WriteFlag) != 0 => $"flag + {value & 0x7f}",
        Word.Keys when value != 0 => $"batch {value >> 4}{((value & Batch.Kept) != 0 ? ", kept" : "")}",
        _ => $"{value}",
    };

    private static string Code(byte value) => value == Programs.OldCode ? "old" : "new";

    private static string OwnName(byte word) => word switch
    {
        Word.Saved => "saved",
        Word.StopPending => "stop_pending",
        Word.Held => "held",
        Word.Unblocked => "unblocked",
        Word.TextChanged => "text_changed",
        _ => "killed",
    };

    private static string OwnValue(byte word, byte value) =>
        word is Word.StopPending or Word.TextChanged or Word.Killed ? $"{value}" : "0b" + System.Convert.ToString(value, 2);
}
