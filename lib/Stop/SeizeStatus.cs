namespace Ftrace.Stop;

/// <summary>The state of seizing a thread, in <see cref="Nmi.ThreadRecord.Seize"/>.</summary>
internal static class SeizeStatus
{
    /// <summary>It is not seized.</summary>
    public const uint None = 0;

    /// <summary>It is to be seized.</summary>
    public const uint Wanted = 1;

    /// <summary>The seizing process is its tracer; it runs.</summary>
    public const uint Attached = 2;

    /// <summary>It was asked to stop.</summary>
    public const uint Interrupted = 3;

    /// <summary>It stands still until the release.</summary>
    public const uint Stopped = 4;

    /// <summary>It was stopped in an announced NMI or on its way to park; it runs again, and parks by itself.</summary>
    public const uint Resumed = 5;

    /// <summary>It has ended.</summary>
    public const uint Gone = 6;

    /// <summary>The system does not allow it: <see cref="Nmi.ThreadRecord.SeizeError"/>.</summary>
    public const uint Refused = 7;
}
