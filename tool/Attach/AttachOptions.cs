namespace Ftrace.Tool.Attach;

/// <summary>How a process is attached to.</summary>
/// <param name="Library">The library's file, as this process sees it.</param>
internal sealed record AttachOptions(string Library)
{
    /// <summary>Attach also if a seccomp filter may end the process.</summary>
    public bool Force { get; init; }

    /// <summary>A folder in the file system of the process where the library is copied to if the process does not see it; null: it is not copied.</summary>
    public string? CopyTo { get; init; }
}
