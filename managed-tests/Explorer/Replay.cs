using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// Runs shipped code up to a step. Code is a function of the results of its steps: given those it has had, it
/// gets to the next one, and there it is left by an exception. So contexts need no stack of their own, and the
/// state of one is a number.
/// </summary>
internal sealed class Replay(Configuration configuration, Mutant mutant)
{
    [ThreadStatic]
    private static Replay? s_current;

    private IReadOnlyList<byte> _results = [];
    private int _at;
    private Op _next;

    /// <summary>The one that runs on this thread.</summary>
    public static Replay Current => s_current!;

    public Configuration Configuration { get; } = configuration;

    public Mutant Mutant { get; } = mutant;

    /// <summary>
    /// Runs a program with the results it has had; returns its next step. At the end that is <see cref="OpKind.Done"/>.
    /// </summary>
    public Op Run(byte program, IReadOnlyList<byte> results) =>
        Run(() => Programs.Run(program, Configuration, Mutant), results);

    /// <summary>The same for any code.</summary>
    public Op Run(Action code, IReadOnlyList<byte> results)
    {
        s_current = this;
        _results = results;
        _at = 0;
        try
        {
            code();
            return default;
        }
        catch (Suspend)
        {
            return _next;
        }
    }

    /// <summary>A step: its result, or the end of this replay.</summary>
    public byte Do(Op op)
    {
        if (_at < _results.Count)
        {
            return _results[_at++];
        }

        _next = op;
        throw Suspend.Instance;
    }

    /// <summary>
    /// No step. What the code does from here on depends on what is given here only, not on how it came here: contexts
    /// that are here are in the same state, so that fewer states differ.
    /// </summary>
    public void Checkpoint(byte place, int detail = 0) => Do(new Op(OpKind.Checkpoint, place, checked((byte)detail)));
}
