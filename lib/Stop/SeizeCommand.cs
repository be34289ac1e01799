namespace Ftrace.Stop;

/// <summary>What the patcher asks the seizing process to do.</summary>
internal static class SeizeCommand
{
    /// <summary>A command's lowest bits; above them is its number.</summary>
    public const uint Kind = 7;

    /// <summary>To become the tracer of the threads that are <see cref="SeizeStatus.Wanted"/>; and if none is refused, to stop them.</summary>
    public const uint Attach = 1;

    /// <summary>To stop those that are <see cref="SeizeStatus.Attached"/>.</summary>
    public const uint Stop = 2;

    /// <summary>To let all go, and end.</summary>
    public const uint Release = 3;

    /// <summary>As <see cref="Attach"/>, but not to stop them yet.</summary>
    public const uint AttachOnly = 4;

    /// <summary>True if it is the first command of all.</summary>
    [NoInstr]
    public static bool IsFirst(uint command) => command <= (Kind + 1 | Kind);

    /// <summary>The command of this kind that follows another one.</summary>
    [NoInstr]
    public static uint Next(uint command, uint kind) => (command | Kind) + 1 | kind;
}
