namespace Ftrace.Tests.Abi;

/// <summary>A variable that a header declares.</summary>
internal sealed record CObject(string Name, CType Type, bool IsThreadLocal, string Where)
{
    public override string ToString() => $"{(IsThreadLocal ? "__thread " : "")}{Type.Spelling} {Name} at {Where}";
}
