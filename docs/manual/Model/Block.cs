namespace Ftrace.Manual.Model;

/// <summary>A part of a section of a page.</summary>
internal abstract record Block;
