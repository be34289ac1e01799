using System.Collections.Generic;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>A small configuration of one protocol: who does what, and what must hold.</summary>
internal abstract class Scenario(string name, int threads)
{
    public string Name => name;

    public int Threads => threads;

    /// <summary>Words of memory.</summary>
    public abstract int Words { get; }

    /// <summary>Words that the rules need.</summary>
    public virtual int Notes => 0;

    /// <summary>What a word is called; the same for all threads.</summary>
    public abstract string NameOf(int word);

    public virtual void Begin(World world)
    {
    }

    /// <summary>The program with which a thread begins; -1: it has none.</summary>
    public abstract int ProgramOf(int thread);

    /// <summary>Runs a program of a thread, on <see cref="SimThreads"/>.</summary>
    public abstract void Run(int program, int thread);

    /// <summary>The handlers that may begin on a thread now, which has a signal pending or a budget. <paramref name="under"/>: the programs that it is in, outermost first.</summary>
    public virtual IEnumerable<int> Interrupts(World world, int thread, IReadOnlyList<int> under) => [];

    /// <summary>One of them begins.</summary>
    public virtual void Interrupt(World world, int thread)
    {
    }

    /// <summary>True if it may as well never come.</summary>
    public virtual bool MayNeverCome => false;

    /// <summary>A step was taken; what is wrong with it, or null.</summary>
    public virtual string? After(World world, int thread, Step step, ulong result) => null;

    /// <summary>A program has ended; likewise.</summary>
    public virtual string? Ended(World world, int thread, int program) => null;

    /// <summary>All have ended; likewise.</summary>
    public virtual string? AtEnd(World world) => null;

    public override string ToString() => name;
}
