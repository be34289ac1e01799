namespace Ftrace.Tool.Recording;

/// <summary>An object of a program or process.</summary>
/// <param name="Path">As the loader has it.</param>
/// <param name="File">Where it can be read: that of a process in another namespace is elsewhere.</param>
/// <param name="IsProgram">The program itself.</param>
internal sealed record ListedObject(string Path, string File, bool IsProgram)
{
    /// <summary>Without folders.</summary>
    public string Name => System.IO.Path.GetFileName(Path);
}
