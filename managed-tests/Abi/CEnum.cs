using System.Collections.Generic;

namespace Ftrace.Tests.Abi;

/// <summary>A C enumeration; the size is in bytes.</summary>
internal sealed record CEnum(string Name, long Size, IReadOnlyList<CConstant> Constants, string Where)
{
    public override string ToString() => $"enum {Name} at {Where}";
}
