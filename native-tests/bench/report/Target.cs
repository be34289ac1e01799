namespace Ftrace.Bench;

/// <summary>What the ratio, or the value, of a row is to be.</summary>
internal sealed record Target(string Of, string Is, double Value);
