namespace Ftrace.Trace;

/// <summary>What a call of ftrace/trace.h or ftrace/sites.h asks for.</summary>
internal enum TraceOperation
{
    /// <summary>Only to look for objects that came or went.</summary>
    Update,
    Register,
    Unregister,
    SetRule,
    FreeFilter,
    UpdateFunc,
    List,
}
