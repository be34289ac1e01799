namespace Ftrace.Trace;

/// <summary>A call of ftrace/trace.h or ftrace/sites.h, checked, on its way to where the locks are held.</summary>
internal unsafe struct TraceCall
{
    public TraceOperation Operation;
    public FtraceOps* Ops;
    public TraceRule Rule;

    /// <summary>To be called in place of every handler; null: nothing.</summary>
    public void* Func;

    public SiteList List;

    /// <summary>Handlers were taken out, which may still run.</summary>
    public bool RemovedHandlers;

    public int Result;
}
