using Ftrace.Objects;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>A word of the host's for each site, for its handlers.</summary>
/// <remarks>
/// The mark of the handler keeps what it finds: the records of an object that was closed are freed after a grace period. So a thread without
/// a mark gets nothing.
/// </remarks>
internal static unsafe class SiteData
{
    /// <summary>The word of the site at an address; null if there is no site, or if the thread is in no handler. Any context.</summary>
    [NoInstr]
    public static ulong* Of(NmiThread* thread, ulong ip) =>
        ((TraceThread*)thread->Tracer)->IsMarked ? LoadedObjects.WordAt(ip) : null;
}
