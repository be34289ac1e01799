namespace Ftrace.Trace;

/// <summary>What a call of ftrace/trace.h or ftrace/sites.h asks for.</summary>
internal enum TraceOperation
{
    /// <summary>Only to find objects that were opened or closed.</summary>
    Update,
    Register,
    Unregister,
    SetRule,
    FreeFilter,
    UpdateFunc,
    List,
}
