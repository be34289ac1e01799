using System;
using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>Writes a trace in one format, as <see cref="SliceReader"/> reads it.</summary>
/// <remarks>
/// All times are nanoseconds of CLOCK_MONOTONIC, and never go back. The slices of a thread are strictly nested. Threads are indices in
/// <see cref="TraceFile.Threads"/>, functions those of <see cref="Symbols"/>.
/// </remarks>
internal abstract class Dump(TraceFile file)
{
    protected TraceFile File { get; } = file;

    protected Symbols Symbols => File.Symbols;

    /// <summary>True if the calls that were under way before the trace's beginning are to be found first; it takes another reading.</summary>
    public virtual bool NeedsHiddenCalls => true;

    /// <summary>Comes first.</summary>
    /// <param name="time">Of the first event, or when the range of times begins that was chosen.</param>
    /// <param name="threads">Those that were chosen.</param>
    public virtual void Begin(ulong time, IReadOnlyList<TraceThread> threads)
    {
    }

    public virtual void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
    }

    /// <summary>The innermost slice of the thread ends.</summary>
    public virtual void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
    }

    /// <summary>A call has ended. Its times are those of the file: it can have begun before the range that was chosen.</summary>
    public virtual void OnCall(in FinishedCall call)
    {
    }

    /// <summary>A function was called whose exit is not traced.</summary>
    public virtual void OnEntry(int thread, ulong time, int function)
    {
    }

    public virtual void OnMark(int thread, ulong time, ReadOnlySpan<byte> text)
    {
    }

    public virtual void OnSample(int thread, ulong time, in TraceEvent sample)
    {
    }

    /// <summary>Events were lost before the time.</summary>
    /// <param name="thread">The thread that lost them.</param>
    /// <param name="time">When it went on.</param>
    /// <param name="count">Units of 16 bytes, of which an entry or an exit is one.</param>
    /// <param name="isBlocks">True: the number is that of blocks.</param>
    public virtual void OnLost(int thread, ulong time, ulong count, bool isBlocks)
    {
    }

    public virtual void OnSwitched(int thread, ulong time, bool isOn)
    {
    }

    /// <summary>Comes last, when all slices have ended.</summary>
    /// <param name="time">Of the last event, or when the range ends.</param>
    public abstract void End(ulong time);
}
