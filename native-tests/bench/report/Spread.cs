namespace Ftrace.Bench;

/// <summary>The values of a row: the median, the quartiles, the largest, and an interval that has the true median with 95 % certainty.</summary>
internal sealed record Spread(double Median, double Q1, double Q3, double Max, double From, double To);
