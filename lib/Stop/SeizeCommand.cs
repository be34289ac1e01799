namespace Ftrace.Stop;

/// <summary>What the patcher asks the seizing process to do.</summary>
internal static class SeizeCommand
{
    /// <summary>Mask of a command's lowest bits, which are its kind; above them is its number.</summary>
    public const uint Kind = 7;

    /// <summary>Become the tracer of the threads that are <see cref="SeizeStatus.Wanted"/>; if none is refused, stop them.</summary>
    public const uint Attach = 1;

    /// <summary>Stop the threads that are <see cref="SeizeStatus.Attached"/>.</summary>
    public const uint Stop = 2;

    /// <summary>Resume all threads, and exit.</summary>
    public const uint Release = 3;

    /// <summary>As <see cref="Attach"/>, but do not stop them yet.</summary>
    public const uint AttachOnly = 4;

    /// <summary>Search the registers of the threads that are <see cref="SeizeStatus.Stopped"/> for <see cref="SeizeState.Sought"/>.</summary>
    public const uint Search = 5;

    /// <summary>True if it is the first command of all.</summary>
    [NoInstr]
    public static bool IsFirst(uint command) => command <= (Kind + 1 | Kind);

    /// <summary>The command of this kind that follows another one.</summary>
    [NoInstr]
    public static uint Next(uint command, uint kind) => (command | Kind) + 1 | kind;
}
