namespace Ftrace.Tests.Abi;

/// <summary>A field of a C structure; the offset is in bytes.</summary>
internal sealed record CField(string Name, CType Type, long Offset, string Where);
