using System.Collections.Generic;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>All places that programs can be at: one a history of results. Two contexts with the same history are at the same place.</summary>
internal sealed class Histories(Scenario scenario, HandshakeMutant mutant)
{
    private readonly Run _run = new(scenario, mutant);
    private readonly Dictionary<(int Program, int Thread), int> _starts = [];
    private readonly List<Place> _places = [];

    public Step StepAt(int place) => _places[place].Step;

    public int ProgramAt(int place) => _places[place].Program;

    public int Start(int program, int thread)
    {
        if (!_starts.TryGetValue((program, thread), out int start))
        {
            start = Add(program, thread, []);
            _starts.Add((program, thread), start);
        }

        return start;
    }

    public int After(int place, ulong result)
    {
        Place from = _places[place];
        if (!from.Next.TryGetValue(result, out int next))
        {
            next = Add(from.Program, from.Thread, [.. from.Results, result]);
            from.Next.Add(result, next);
        }

        return next;
    }

    private int Add(int program, int thread, ulong[] results)
    {
        Step step = _run.NextStep(program, thread, results);
        _places.Add(new Place(program, thread, results, step));
        return _places.Count - 1;
    }

    private sealed record Place(int Program, int Thread, ulong[] Results, Step Step)
    {
        public Dictionary<ulong, int> Next { get; } = [];
    }
}
