namespace Ftrace.Linux;

/// <summary>
/// The library's state: one block of unmanaged memory, initially zero. Each floor has a part of it, whose offset is a constant of the
/// part's structure; no two parts overlap.
/// </summary>
internal static unsafe class SharedState
{
    private static byte* s_start;

    /// <summary>The part that begins at this offset.</summary>
    [NoInstr]
    public static void* At(int offset) => s_start + offset;

    /// <summary>Set once, at start-up.</summary>
    public static void Attach(void* start) => s_start = (byte*)start;
}
