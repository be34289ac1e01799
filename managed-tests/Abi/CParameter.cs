namespace Ftrace.Tests.Abi;

/// <summary>A parameter of a C function.</summary>
internal sealed record CParameter(string Name, CType Type)
{
    public override string ToString() => Name.Length == 0 ? Type.Spelling : $"{Type.Spelling} {Name}";
}
