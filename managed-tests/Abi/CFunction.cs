using System.Collections.Generic;

namespace Ftrace.Tests.Abi;

/// <summary>A function that a header declares, or defines if it is static.</summary>
internal sealed record CFunction(string Name, CType Result, IReadOnlyList<CParameter> Parameters, bool IsStatic, string Where)
{
    public string Signature => $"{Result.Spelling} {Name}({(Parameters.Count == 0 ? "void" : string.Join(", ", Parameters))})";

    public override string ToString() => $"{Signature} at {Where}";
}
