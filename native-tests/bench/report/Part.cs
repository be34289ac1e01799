namespace Ftrace.Bench;

/// <summary>A part that was measured: when, how long that took, and what kept it from being quiet (else "").</summary>
internal sealed record Part(string Name, string Date, double Seconds, double Others, double Steal, double Slower, double Spread, string Noisy);
