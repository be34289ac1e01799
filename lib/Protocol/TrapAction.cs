namespace Ftrace.Protocol;

/// <summary>What became of a breakpoint trap.</summary>
internal enum TrapAction
{
    /// <summary>The instruction was carried out; the thread goes on behind it.</summary>
    Executed,

    /// <summary>The breakpoint has been taken away since: the thread executes what stands there now.</summary>
    Again,

    /// <summary>A breakpoint stands there that is not ours.</summary>
    Foreign,
}
