namespace Ftrace.Protocol;

/// <summary>Which of its two codes a location gets, or is executed with.</summary>
internal enum PatchCode : uint
{
    /// <summary>The code before the change.</summary>
    Old,

    /// <summary>The code after it.</summary>
    New,
}
