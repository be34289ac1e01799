using System;

namespace Ftrace.Tool.Reports;

/// <summary>Parts of a whole.</summary>
internal static class Percents
{
    /// <summary>Hundredths of a percent, rounded. 0, if the whole is nothing.</summary>
    public static ulong Hundredths(ulong part, ulong whole) =>
        whole == 0 ? 0 : (ulong)(((UInt128)part * 10_000 + whole / 2) / whole);
}
