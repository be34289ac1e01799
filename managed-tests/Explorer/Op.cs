namespace Ftrace.Tests.Explorer;

/// <summary>One step of a context: what, on which word, with which values.</summary>
internal readonly record struct Op(OpKind Kind, byte Word = 0, byte Value = 0, byte Expected = 0);
