namespace Ftrace.Tests.Explorer;

/// <summary>What became of a batch.</summary>
internal enum Outcome : byte
{
    Changed,
    PutBack,

    /// <summary>It could be neither changed nor put back.</summary>
    Stuck,
}
