namespace Ftrace.Text;

/// <summary>What counts as the old code of a location.</summary>
internal enum OldCodeMatch
{
    /// <summary>The bytes that the caller expects.</summary>
    Exact,

    /// <summary>These, or any nops: which they were is noted in <see cref="FtracePatch.OldCode"/>.</summary>
    AnyNops,
}
