namespace Ftrace.Tool.Reading;

/// <summary>A function of an object's file.</summary>
/// <param name="Start">The address in the file, without the object's base.</param>
/// <param name="End">The address after the last one.</param>
/// <param name="Name">Where its name is in <see cref="FileSymbols"/>.</param>
/// <param name="NameLength">In bytes.</param>
internal readonly record struct FileFunction(ulong Start, ulong End, int Name, int NameLength);
