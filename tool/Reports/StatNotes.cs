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
            yield return $"{table.WithoutEntry} calls have no entry in the trace{reason}. They are counted, and have no time.";
        }

        if (table.WithoutExit != 0)
        {
            yield return $"{table.WithoutExit} calls have no exit in the trace: they were under way at its end, or the exit was lost. They are counted, and have no time.";
        }

        if (table.Lost != 0)
        {
            yield return $"{table.Lost} units were lost; an entry or an exit is one.";
        }

        if (table.MissingBlocks != 0)
        {
            yield return $"{table.MissingBlocks} blocks are missing between those that the trace has.";
        }

        if (table.IsWithoutQuantiles)
        {
            yield return "There are too many functions: some have no P50 and P99.";
        }
    }
}
