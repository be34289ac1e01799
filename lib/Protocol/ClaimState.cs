namespace Ftrace.Protocol;

/// <summary>Who may write a record.</summary>
internal static class ClaimState
{
    /// <summary>Nobody: the record can be claimed.</summary>
    public const uint Free = 0;

    /// <summary>The thread that set this state: it claims the record, or takes it back.</summary>
    public const uint Changing = 1;

    /// <summary>Its owner, until that thread has ended.</summary>
    public const uint InUse = 2;
}
