using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// Visits every state that can be reached, each once, nearest first; so a schedule that breaks something is a
/// shortest one.
/// </summary>
internal sealed class Exploration
{
    private readonly Configuration _configuration;
    private readonly Mutant _mutant;
    private readonly Simulation _simulation;
    private readonly Dictionary<UInt128, int> _seen = [];
    private readonly List<(int Parent, Transition By)> _reached = [];
    private readonly List<(int From, int To)> _edges = [];
    private readonly Queue<(int Index, MachineState State)> _frontier = new();

    public Exploration(Configuration configuration, Mutant mutant = Mutant.None)
    {
        _configuration = configuration;
        _mutant = mutant;
        _simulation = new Simulation(configuration, mutant);
    }

    /// <summary>Different states that were visited.</summary>
    public int States => _reached.Count;

    public int Transitions => _edges.Count;

    /// <summary>Different ways from the start to an end, all of them covered.</summary>
    public double Schedules { get; private set; }

    /// <summary>What is wrong, or null.</summary>
    public string? Violation { get; private set; }

    /// <summary>The shortest way to the violation.</summary>
    public List<Transition> Schedule { get; } = [];

    /// <summary>Explores everything, or until something is wrong.</summary>
    public void Run()
    {
        Reach(_simulation.Initial(), -1, default);
        var enabled = new List<Transition>();
        while (Violation == null && _frontier.TryDequeue(out (int Index, MachineState State) at))
        {
            _simulation.Enabled(at.State, enabled);
            foreach (Transition transition in enabled)
            {
                MachineState next = at.State.Clone();
                string? wrong = _simulation.Apply(next, transition);
                int index = Reach(next, at.Index, transition);
                if (wrong != null)
                {
                    Fail(wrong, at.Index, transition);
                    return;
                }

                _edges.Add((at.Index, index));
            }

            if (_simulation.CheckRest(at.State) is { } atRest)
            {
                Fail(atRest, at.Index, null);
            }
        }

        if (Violation == null)
        {
            CountSchedules();
        }
    }

    /// <summary>The way to the violation, a column a CPU.</summary>
    public string Trace() => Explorer.Trace.Print(_configuration, _mutant, Schedule, Violation);

    private int Reach(MachineState state, int parent, Transition by)
    {
        UInt128 hash = state.Hash();
        if (!_seen.TryGetValue(hash, out int index))
        {
            index = _reached.Count;
            _seen.Add(hash, index);
            _reached.Add((parent, by));
            _frontier.Enqueue((index, state));
        }

        return index;
    }

    private void Fail(string violation, int at, Transition? last)
    {
        Violation = violation;
        if (last != null)
        {
            Schedule.Add(last.Value);
        }

        for (int index = at; index > 0; index = _reached[index].Parent)
        {
            Schedule.Add(_reached[index].By);
        }

        Schedule.Reverse();
    }

    /// <summary>
    /// Ways through the graph of states, in topological order. If there is none, some wait can go on for ever.
    /// </summary>
    private void CountSchedules()
    {
        int[] incoming = new int[States];
        int[] first = new int[States + 1];
        foreach ((int from, int to) in _edges)
        {
            incoming[to]++;
            first[from + 1]++;
        }

        for (int i = 0; i < States; i++)
        {
            first[i + 1] += first[i];
        }

        // Edges were added state by state, so those of one state lie together.
        double[] ways = new double[States];
        ways[0] = 1;
        var ready = new Stack<int>();
        ready.Push(0);
        int done = 0;
        while (ready.TryPop(out int at))
        {
            done++;
            if (first[at] == first[at + 1])
            {
                Schedules += ways[at];
            }

            for (int i = first[at]; i < first[at + 1]; i++)
            {
                int to = _edges[i].To;
                ways[to] += ways[at];
                if (--incoming[to] == 0)
                {
                    ready.Push(to);
                }
            }
        }

        if (done != States)
        {
            Violation = "some schedule never ends, with a finite number of NMIs";
        }
    }
}
