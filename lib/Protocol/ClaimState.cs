namespace Ftrace.Protocol;

/// <summary>Whose a record is.</summary>
internal static class ClaimState
{
    /// <summary>Nobody's.</summary>
    public const uint Free = 0;

    /// <summary>Of whoever made it so: it is being claimed, or taken back.</summary>
    public const uint Changing = 1;

    /// <summary>A thread's, until that has ended.</summary>
    public const uint InUse = 2;
}
