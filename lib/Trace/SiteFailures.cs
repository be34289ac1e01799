namespace Ftrace.Trace;

/// <summary>What to do about sites that cannot be changed. Those with other bytes than expected are reported.</summary>
internal enum SiteFailures
{
    /// <summary>Nothing is changed, and the error is returned.</summary>
    Refuse,

    /// <summary>As <see cref="Refuse"/>, but each site is reported once.</summary>
    RefuseOnce,

    /// <summary>Those with other bytes are skipped, and each is reported once; any other failure is handled as by <see cref="Refuse"/>.</summary>
    SkipForeign,

    /// <summary>The others are changed, and the error is returned.</summary>
    ChangeOthers,

    /// <summary>As <see cref="ChangeOthers"/>, but nothing is reported: it has been already.</summary>
    KeepQuiet,
}
