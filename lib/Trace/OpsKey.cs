namespace Ftrace.Trace;

/// <summary>Identifies an ops: the host's structure, and which header it is of.</summary>
internal readonly unsafe struct OpsKey(FtraceOps* ops, bool isGraph)
{
    public readonly FtraceOps* Ops = ops;

    /// <summary>It is a <see cref="FtraceGraphOps"/>.</summary>
    public readonly bool IsGraph = isGraph;
}
