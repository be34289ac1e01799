using System;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Reports;

/// <summary>A column of a table of text.</summary>
/// <param name="Title">Right-aligned above the numbers.</param>
/// <param name="Width">Of a number.</param>
/// <param name="Write">Writes exactly so many characters.</param>
internal sealed record StatColumn(string Title, int Width, Action<Utf8Output, StatRow> Write);
