using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// Runs shipped code up to a step: a function of the results that its steps have had. At the first that has none yet it is left by
/// an exception, as in <see cref="Replay"/>.
/// </summary>
internal sealed class Run(Scenario scenario, HandshakeMutant mutant)
{
    [ThreadStatic]
    private static Run? s_current;

    private readonly List<(int Word, int Size, ulong Value)> _seen = [];
    private IReadOnlyList<ulong> _results = [];
    private int _at;
    private Step? _next;

    /// <summary>The one that runs on this thread.</summary>
    public static Run Current => s_current!;

    public Scenario Scenario => scenario;

    public HandshakeMutant Mutant => mutant;

    /// <summary>The program is that of who waits for others, not of a thread that is waited for.</summary>
    public bool IsWaiter { get; private set; }

    /// <summary>A step that a mutant does later than it should.</summary>
    public Step? Late { get; set; }

    /// <summary>The code has made a record its own.</summary>
    public bool HasTaken { get; set; }

    /// <summary>The next step of a program after those results.</summary>
    public Step NextStep(int program, int thread, IReadOnlyList<ulong> results)
    {
        s_current = this;
        _results = results;
        _at = 0;
        _seen.Clear();
        Late = null;
        HasTaken = false;
        IsWaiter = thread == 0;
        try
        {
            scenario.Run(program, thread);
            return new Step(StepKind.Done);
        }
        catch (Suspend)
        {
            return _next!;
        }
    }

    public ulong Do(Step step)
    {
        if (_at == _results.Count)
        {
            _next = step.Kind == StepKind.Relax ? step with { Seen = [.. _seen] } : step;
            throw Suspend.Instance;
        }

        ulong result = _results[_at++];
        if (step.Kind == StepKind.Read)
        {
            _seen.Add((step.Word, step.Size, result));
        }
        else if (step.Kind == StepKind.HasEnded)
        {
            _seen.Add((-(int)step.Value, 0, result));
        }
        else if (step.Kind == StepKind.Relax)
        {
            _seen.Clear();
        }

        return result;
    }

    /// <summary>Does what a mutant has put off.</summary>
    public void DoLate()
    {
        if (Late is { } late)
        {
            Late = null;
            Do(late);
        }
    }
}
