using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// All places that a program can be at: a node a history of results, made when it is first reached. Two contexts
/// with the same history, since the last checkpoint, are at the same node, so a node's number is all there is to a context's state.
/// </summary>
internal sealed class ProgramTree
{
    private readonly Replay _replay;
    private readonly int[] _starts = new int[Programs.Count];
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<(byte Program, Op Checkpoint), int> _checkpoints = [];

    public ProgramTree(Configuration configuration, Mutant mutant)
    {
        _replay = new Replay(configuration, mutant);
        for (byte program = 0; program < Programs.Count; program++)
        {
            _starts[program] = Add(program, []);
        }
    }

    /// <summary>Where a context is when it begins.</summary>
    public int Start(byte program) => _starts[program];

    /// <summary>The next step of a context.</summary>
    public Op OpAt(int node) => _nodes[node].Op;

    /// <summary>The program of a context.</summary>
    public byte ProgramAt(int node) => _nodes[node].Program;

    /// <summary>Where a context is when its step had this result.</summary>
    public int After(int node, byte result)
    {
        Node from = _nodes[node];
        if (!from.Next.TryGetValue(result, out int next))
        {
            next = Add(from.Program, [.. from.History, result]);
            from.Next.Add(result, next);
        }

        return next;
    }

    private int Add(byte program, byte[] history)
    {
        Op op = _replay.Run(program, history);
        if (op.Kind != OpKind.Checkpoint)
        {
            _nodes.Add(new Node(program, history, op));
            return _nodes.Count - 1;
        }

        byte[] passed = [.. history, 0];
        if (!_checkpoints.TryGetValue((program, op), out int known))
        {
            known = Add(program, passed);
            _checkpoints.Add((program, op), known);
        }
        else if (NextStep(program, passed) != _nodes[known].Op)
        {
            throw new InvalidOperationException($"what follows checkpoint {op} of program {program} depends on more than that");
        }

        return known;
    }

    private Op NextStep(byte program, byte[] history)
    {
        Op op = _replay.Run(program, history);
        return op.Kind == OpKind.Checkpoint ? NextStep(program, [.. history, 0]) : op;
    }

    private sealed record Node(byte Program, byte[] History, Op Op)
    {
        public Dictionary<byte, int> Next { get; } = [];
    }
}
