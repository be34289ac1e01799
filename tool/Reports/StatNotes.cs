using System.Collections.Generic;

namespace Ftrace.Tool.Reports;

/// <summary>What the numbers of <c>ftrace stat</c> do not contain.</summary>
internal static class StatNotes
{
    public static IEnumerable<string> Of(StatTable table)
    {
        if (table.WithoutEntry != 0)
        {
            string reason = table.IsBeginningCut ? ": they began before what the buffer has kept" : "";
            yield return $"calls without an entry in the trace{reason}: {table.WithoutEntry}. They are counted, and have no time.";
        }

        if (table.WithoutExit != 0)
        {
            yield return $"calls without an exit in the trace: {table.WithoutExit}. They are counted, and have no time.";
        }

        if (table.Lost != 0)
        {
            yield return $"units lost: {table.Lost}. An entry or an exit is one.";
        }

        if (table.MissingBlocks != 0)
        {
            yield return $"blocks missing between those that the trace has: {table.MissingBlocks}.";
        }

        if (!table.IsRateKnown)
        {
            yield return "the file does not tell how fast the TSC is: what is shown as a nanosecond is a tick.";
        }

        if (table.IsWithoutQuantiles)
        {
            yield return "there are too many functions: some have no P50 and P99.";
        }
    }
}
