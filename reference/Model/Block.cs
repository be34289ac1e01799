namespace Ftrace.Reference.Model;

/// <summary>A part of a section of a page.</summary>
internal abstract record Block;
