namespace Ftrace.Protocol;

/// <summary>What became of a breakpoint trap.</summary>
internal enum TrapAction
{
    /// <summary>The instruction was emulated; the thread goes on after it.</summary>
    Executed,

    /// <summary>The breakpoint has been taken away since: the thread executes what is there now.</summary>
    Again,

    /// <summary>The breakpoint is not ours.</summary>
    Foreign,
}
