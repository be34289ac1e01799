using System;

namespace Ftrace.Tool.Reports;

/// <summary>A function in two traces.</summary>
/// <param name="Before">In the other trace. Null: it is new.</param>
/// <param name="After">In the trace. Null: it is gone.</param>
internal sealed record StatDiffRow(StatRow? Before, StatRow? After)
{
    public string Name => (After ?? Before)!.Name;

    /// <summary><c>new</c>, <c>gone</c>, or <c>both</c>.</summary>
    public string State
    {
        get
        {
            if (After == null)
            {
                return "gone";
            }

            return Before == null ? "new" : "both";
        }
    }

    /// <summary>The value of a column in the trace; 0 if the function is gone.</summary>
    public ulong? ValueAfter(StatField field) => After == null ? 0 : After[field];

    /// <summary>By how much it is more than in the other trace. Null: one of them has no times of this function.</summary>
    public long? Difference(StatField field)
    {
        ulong? before = Before == null ? 0 : Before[field];
        return ValueAfter(field) is { } to && before is { } from ? (long)(to - from) : null;
    }

    /// <summary>The difference in hundredths of a percent of what it was, rounded. Null: it was nothing.</summary>
    public long? Hundredths(StatField field)
    {
        if (Difference(field) is not { } difference || Before?[field] is not { } before || before == 0)
        {
            return null;
        }

        ulong size = Percents.Hundredths((ulong)Math.Abs(difference), before);
        return difference < 0 ? -(long)size : (long)size;
    }
}
