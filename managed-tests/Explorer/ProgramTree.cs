using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// All places that a program can be at: a node a history of results, made when it is first reached. Two contexts
/// with the same history are at the same node, so a node's number is all there is to a context's state.
/// </summary>
internal sealed class ProgramTree
{
    private readonly Replay _replay;
    private readonly Func<byte>[] _programs = new Func<byte>[Programs.Count];
    private readonly List<Node> _nodes = [];

    public ProgramTree(Configuration configuration, Mutant mutant)
    {
        _replay = new Replay(mutant);
        for (byte program = 0; program < Programs.Count; program++)
        {
            _programs[program] = Programs.Get(program, configuration, mutant);
            Add(program, []);
        }
    }

    /// <summary>The next step of a context.</summary>
    public Op OpAt(int node) => _nodes[node].Op;

    /// <summary>The program of a context. The first nodes are the programs' starts, in their order.</summary>
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
        Op op = _replay.Run(_programs[program], history);
        _nodes.Add(new Node(program, history, op));
        return _nodes.Count - 1;
    }

    private sealed record Node(byte Program, byte[] History, Op Op)
    {
        public Dictionary<byte, int> Next { get; } = [];
    }
}
