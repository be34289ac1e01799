namespace Ftrace.Trace;

/// <summary>The checked arguments of a call of ftrace/trace.h or ftrace/sites.h, and its result.</summary>
internal unsafe struct TraceCall
{
    public TraceOperation Operation;
    public FtraceOps* Ops;
    public TraceRule Rule;

    /// <summary>The function to be called in place of every handler; null: the handlers are called.</summary>
    public void* Func;

    public SiteList List;

    /// <summary>Handlers were removed, and may still be running.</summary>
    public bool RemovedHandlers;

    public int Result;
}
