namespace Ftrace.Tool.Reading;

/// <summary>A place in a trace file that does not follow the format. What is not at such a place is read.</summary>
/// <param name="Offset">Where, in bytes from the beginning of the file.</param>
/// <param name="Reason">What is wrong there.</param>
internal readonly record struct TraceDamage(long Offset, string Reason);
