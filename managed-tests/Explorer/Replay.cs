using System;
using System.Collections.Generic;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// Runs shipped code up to a step. Code is a function of the results of its steps: given those it has had, it
/// gets to the next one, and there it is left by an exception. So contexts need no stack of their own, and the
/// state of one is a number.
/// </summary>
internal sealed class Replay(Mutant mutant)
{
    [ThreadStatic]
    private static Replay? s_current;

    private IReadOnlyList<byte> _results = [];
    private int _at;

    /// <summary>The one that runs on this thread.</summary>
    public static Replay Current => s_current!;

    public Mutant Mutant { get; } = mutant;

    /// <summary>The step at which the code was left.</summary>
    public Op Next { get; private set; }

    /// <summary>What the code last stored to a shared word.</summary>
    public Op LastWrite { get; set; }

    /// <summary>How often it looked whether NMIs unblock SIGTRAP.</summary>
    public int ArmedReads { get; set; }

    /// <summary>How often it looked whether a breakpoint stands in the text.</summary>
    public int TextReads { get; set; }

    /// <summary>The part of the batch that was written last, and which code it was.</summary>
    public (TextPart Part, bool Old)? LastPart { get; set; }

    /// <summary>What the code last read from nmi_running.</summary>
    public byte LastNmiRunning { get; set; }

    /// <summary>The code's last write of text failed.</summary>
    public bool WriteFailed { get; set; }

    /// <summary>Barriers before an atomic operation that this program has had.</summary>
    public int BarriersBefore { get; set; }

    /// <summary>For <see cref="Mutant.NoClearOnFailure"/>: the next clearing of the flag is the one of a failed write.</summary>
    public bool ClearIsNext { get; set; }

    /// <summary>For <see cref="Mutant.CheckBeforePop"/>: what was pending then.</summary>
    public byte? PendingBeforePop { get; set; }

    /// <summary>
    /// Runs <paramref name="program"/> with the results it has had; returns its next step. At the end that is
    /// <see cref="OpKind.Done"/>, with the program that follows.
    /// </summary>
    public Op Run(Func<byte> program, IReadOnlyList<byte> results)
    {
        s_current = this;
        _results = results;
        _at = 0;
        LastNmiRunning = 0;
        WriteFailed = false;
        ClearIsNext = false;
        BarriersBefore = 0;
        PendingBeforePop = null;
        LastWrite = default;
        ArmedReads = 0;
        TextReads = 0;
        LastPart = null;
        try
        {
            return new Op(OpKind.Done, 0, program());
        }
        catch (Suspend)
        {
            return Next;
        }
    }

    /// <summary>A step: its result, or the end of this replay.</summary>
    public byte Do(Op op)
    {
        if (_at < _results.Count)
        {
            return _results[_at++];
        }

        Next = op;
        throw Suspend.Instance;
    }
}
