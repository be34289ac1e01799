using System.Collections.Generic;

namespace Ftrace.Tests.Abi;

/// <summary>A C structure; the size is in bytes.</summary>
internal sealed record CStruct(string Name, long Size, IReadOnlyList<CField> Fields, string Where)
{
    public override string ToString() => $"struct {Name} at {Where}";
}
