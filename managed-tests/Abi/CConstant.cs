namespace Ftrace.Tests.Abi;

/// <summary>An enumeration constant or a macro; a macro that is no plain integer has no value.</summary>
internal sealed record CConstant(string Name, long? Value, string Where)
{
    public override string ToString() => $"{Name} = {Value?.ToString() ?? "(no integer)"} at {Where}";
}
