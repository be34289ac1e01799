using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// Every interleaving of a scenario on x86-TSO: each state is visited once, nearest first. Each thread has a store buffer, first in,
/// first out; what is locked needs it empty. Handlers begin between any two steps. No state is reached twice on a way, because each step
/// makes a history longer, so every way ends.
/// </summary>
internal sealed class Interleavings(Scenario scenario, HandshakeMutant mutant = HandshakeMutant.None)
{
    private readonly Histories _histories = new(scenario, mutant);
    private readonly HashSet<World> _seen = [];
    private readonly List<(int From, Move By)> _ways = [];
    private readonly Queue<(int Index, World World)> _frontier = new();

    public string Name => scenario.Name;

    public int States => _seen.Count;

    public int Transitions { get; private set; }

    /// <summary>What is wrong, or null.</summary>
    public string? Violation { get; private set; }

    /// <summary>The shortest way there, a step a line.</summary>
    public string Trace { get; private set; } = "";

    public void Explore()
    {
        Violation = Reach(Initial(out string? wrong), -1, default, wrong);
        while (Violation == null && _frontier.TryDequeue(out (int Index, World World) at))
        {
            List<Move> moves = Moves(at.World);
            Transitions += moves.Count;
            foreach (Move move in moves)
            {
                World next = at.World.Clone();
                wrong = Apply(next, move);
                Violation = Reach(next, at.Index, move, wrong);
                if (Violation != null)
                {
                    return;
                }
            }

            if (moves.TrueForAll(move => move.Kind == Move.Interrupt && scenario.MayNeverCome) && CheckEnd(at.World) is { } end)
            {
                Violation = end;
                Trace = Print(at.Index);
            }
        }
    }

    private World Initial(out string? wrong)
    {
        var world = new World(scenario.Words, scenario.Notes, scenario.Threads);
        scenario.Begin(world);
        wrong = null;
        for (int thread = 0; thread < scenario.Threads; thread++)
        {
            if (scenario.ProgramOf(thread) >= 0)
            {
                world.Push(thread, _histories.Start(scenario.ProgramOf(thread), thread));
                wrong ??= Settle(world, thread);
            }
        }

        return world;
    }

    private string? Reach(World world, int from, Move by, string? wrong)
    {
        if (_seen.Add(world) || wrong != null)
        {
            _ways.Add((from, by));
            _frontier.Enqueue((_ways.Count - 1, world));
            Trace = wrong != null ? Print(_ways.Count - 1) : "";
        }

        return wrong;
    }

    private List<Move> Moves(World world)
    {
        var moves = new List<Move>();
        for (int thread = 0; thread < world.Threads; thread++)
        {
            if (world.DepthOf(thread) > 0)
            {
                Step step = _histories.StepAt(world.Top(thread));
                if (IsEnabled(world, thread, step))
                {
                    moves.Add(new Move(Move.Step, thread));
                }

                if (step.MayGiveUp)
                {
                    moves.Add(new Move(Move.Step, thread, 1));
                }
            }

            if (world.BufferedBy(thread) > 0)
            {
                moves.Add(new Move(Move.Flush, thread));
            }

            if (world.PendingOf(thread) == 0 && world.BudgetOf(thread) == 0)
            {
                continue;
            }

            int[] under = [.. Enumerable.Range(0, world.DepthOf(thread)).Select(depth => _histories.ProgramAt(world.Frame(thread, depth)))];
            moves.AddRange(scenario.Interrupts(world, thread, under).Select(program => new Move(Move.Interrupt, thread, program)));
        }

        return moves;
    }

    private static bool IsEnabled(World world, int thread, Step step) => step.Kind switch
    {
        StepKind.Xchg or StepKind.Cmpxchg or StepKind.Barrier or StepKind.FutexWake or StepKind.Send or StepKind.Exit => world.BufferedBy(thread) == 0,
        StepKind.FutexWait => world.BufferedBy(thread) == 0 && world.SleepOf(thread) == 0,
        StepKind.Membarrier => world.BufferedBy((int)step.Value) == 0,
        StepKind.Write or StepKind.Inc => world.BufferedBy(thread) < World.MaxBuffered,
        StepKind.Relax => step.Seen!.Any(seen => (seen.Size == 0 ? world.EndedOf(-seen.Word) : world.Load(thread, seen.Word, seen.Size)) != seen.Value),
        _ => true,
    };

    private string? Apply(World world, Move move)
    {
        switch (move.Kind)
        {
            case Move.Flush:
                world.Flush(move.Thread);
                return null;
            case Move.Interrupt:
                scenario.Interrupt(world, move.Thread);
                world.Push(move.Thread, _histories.Start(move.Which, move.Thread));
                return Settle(world, move.Thread);
            default:
                return Take(world, move.Thread, _histories.StepAt(world.Top(move.Thread)), move.Which != 0);
        }
    }

    private string? Take(World world, int thread, Step step, bool givesUp)
    {
        ulong result = 0;
        switch (step.Kind)
        {
            case StepKind.Read:
                result = world.Load(thread, step.Word, step.Size);
                break;
            case StepKind.Write:
                world.Buffer(thread, step.Word, step.Size, step.Value);
                break;
            case StepKind.Inc:
                world.Buffer(thread, step.Word, step.Size, world.Load(thread, step.Word, step.Size) + 1);
                break;
            case StepKind.Xchg:
                result = world.Load(step.Word, step.Size);
                world.Store(step.Word, step.Size, step.Value);
                break;
            case StepKind.Cmpxchg:
                result = world.Load(step.Word, step.Size);
                world.Store(step.Word, step.Size, result == step.Expected ? step.Value : result);
                break;
            case StepKind.FutexWait when givesUp:
                world.SleepOf(thread) = 0;
                result = 1;
                break;
            case StepKind.FutexWait when world.Load(step.Word, 1) == step.Expected:
                world.SleepOf(thread) = (ushort)(step.Word + 1);
                return null;
            case StepKind.FutexWake:
                for (int sleeper = 0; sleeper < world.Threads; sleeper++)
                {
                    if (world.SleepOf(sleeper) == step.Word + 1)
                    {
                        world.SleepOf(sleeper) = 0;
                        world.Top(sleeper) = (ushort)_histories.After(world.Top(sleeper), 0);
                        _ = Settle(world, sleeper);
                    }
                }

                break;
            case StepKind.Send:
                world.PendingOf((int)step.Value)++;
                break;
            case StepKind.IsPending:
                result = world.PendingOf((int)step.Value) > 0 ? 1ul : 0;
                break;
            case StepKind.HasEnded:
                result = world.EndedOf((int)step.Value);
                break;
            case StepKind.Exit:
                world.EndedOf(thread) = 1;
                break;
        }

        world.Top(thread) = checked((ushort)_histories.After(world.Top(thread), result));
        return scenario.After(world, thread, step, result) ?? Settle(world, thread);
    }

    /// <summary>What takes no time: events, and the end of a program.</summary>
    private string? Settle(World world, int thread)
    {
        while (world.DepthOf(thread) > 0)
        {
            int place = world.Top(thread);
            Step step = _histories.StepAt(place);
            string? wrong;
            if (step.Kind == StepKind.Done)
            {
                world.Pop(thread);
                wrong = scenario.Ended(world, thread, _histories.ProgramAt(place));
            }
            else if (step.Kind == StepKind.Event)
            {
                wrong = scenario.After(world, thread, step, 0);
                world.Top(thread) = checked((ushort)_histories.After(place, 0));
            }
            else
            {
                return null;
            }

            if (wrong != null)
            {
                return wrong;
            }
        }

        return null;
    }

    private string? CheckEnd(World world) =>
        Enumerable.Range(0, world.Threads).Any(thread => world.DepthOf(thread) > 0) ? "deadlock: nobody can go on" : scenario.AtEnd(world);

    private string Print(int index)
    {
        var moves = new List<Move>();
        for (; index > 0; index = _ways[index].From)
        {
            moves.Insert(0, _ways[index].By);
        }

        World world = Initial(out _);
        var lines = new List<string> { $"{scenario.Name}, {mutant}" };
        foreach (Move move in moves)
        {
            lines.Add($"{new string(' ', move.Thread * 30)}{move.Thread}: {Describe(world, move)}");
            Apply(world, move);
        }

        return string.Join('\n', lines);
    }

    private string Describe(World world, Move move)
    {
        if (move.Kind != Move.Step)
        {
            return move.Kind == Move.Flush ? "a store reaches memory" : "a handler begins";
        }

        Step step = _histories.StepAt(world.Top(move.Thread));
        return step.Kind switch
        {
            StepKind.Read => $"read {scenario.NameOf(step.Word)}: {Show(world.Load(move.Thread, step.Word, step.Size), step.Size)}",
            StepKind.Inc => $"{scenario.NameOf(step.Word)} + 1",
            StepKind.Write or StepKind.Xchg => $"{scenario.NameOf(step.Word)} = {Show(step.Value, step.Size)}{(step.Kind == StepKind.Xchg ? ", locked" : "")}",
            StepKind.Cmpxchg => $"{scenario.NameOf(step.Word)}: {Show(step.Expected, step.Size)} -> {Show(step.Value, step.Size)}, found {Show(world.Load(step.Word, step.Size), step.Size)}",
            StepKind.Membarrier or StepKind.Send or StepKind.IsPending or StepKind.HasEnded => $"{step.Kind} {step.Value}",
            _ => move.Which != 0 ? "gives up" : $"{step.Kind}",
        };
    }

    private static string Show(ulong value, int size) => size == 1 ? $"{value}" : $"{value >> 32}:{(uint)value}";
}
