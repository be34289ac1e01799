using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>The checked arguments of a call of ftrace/trace.h or ftrace/sites.h, and its result.</summary>
internal unsafe struct TraceCall
{
    public TraceOperation Operation;
    public FtraceOps* Ops;

    /// <summary>It is a <see cref="FtraceGraphOps"/>.</summary>
    public bool IsGraph;

    public readonly OpsKey Key => new(Ops, IsGraph);

    /// <summary>It is the library's own, with which a program records itself.</summary>
    public readonly bool IsRecorders => Ops == Native.Table->RecorderGraphOps;

    public TraceRule Rule;

    /// <summary>The function to be called in place of every handler; null: the handlers are called.</summary>
    public void* Func;

    public SiteList List;

    /// <summary>Handlers were removed, and may still be running.</summary>
    public bool RemovedHandlers;

    public int Result;
}
