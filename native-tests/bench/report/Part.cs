namespace Ftrace.Bench;

/// <summary>A part that was measured: when, of which commit, how long that took, and what kept it from being quiet (else "").</summary>
internal sealed record Part(string Name, string Date, string Commit, double Seconds, double Others, double Steal, double Slower, double Spread, string Noisy);
