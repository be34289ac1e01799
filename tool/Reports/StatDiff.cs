using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Reports;

/// <summary>The functions of two traces, matched by name. If several have the same, by name and object.</summary>
internal sealed class StatDiff
{
    private readonly List<StatDiffRow> _rows = [];

    public StatDiff(StatTable before, StatTable after)
    {
        Before = before;
        After = after;
        var others = new List<StatRow?>(before.Rows);
        var rows = new List<StatRow?>(after.Rows);
        Match(others, rows, row => row.Name + "\n" + row.Object);
        Match(others, rows, row => row.Name);
        AddRest(rows, row => new StatDiffRow(null, row));
        AddRest(others, row => new StatDiffRow(row, null));
    }

    public StatTable Before { get; }

    public StatTable After { get; }

    public IReadOnlyList<StatDiffRow> Rows => _rows;

    /// <summary>Sorts the rows: the largest difference first, in whatever direction.</summary>
    public void Sort(StatField field) => _rows.Sort((a, b) =>
    {
        int order = Size(b, field).CompareTo(Size(a, field));
        order = order != 0 ? order : Size(b, StatField.Calls).CompareTo(Size(a, StatField.Calls));
        return order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
    });

    private static long Size(StatDiffRow row, StatField field) => field == StatField.Name ? 0 : Math.Abs(row.Difference(field) ?? 0);

    /// <summary>Makes pairs of rows of the same key, in their order, and sets them to null.</summary>
    private void Match(List<StatRow?> others, List<StatRow?> rows, Func<StatRow, string> key)
    {
        var waiting = new Dictionary<string, Queue<int>>(StringComparer.Ordinal);
        for (int i = 0; i < others.Count; i++)
        {
            if (others[i] is not { } other)
            {
                continue;
            }

            if (!waiting.TryGetValue(key(other), out Queue<int>? queue))
            {
                waiting.Add(key(other), queue = new Queue<int>());
            }

            queue.Enqueue(i);
        }

        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i] is { } row && waiting.TryGetValue(key(row), out Queue<int>? queue) && queue.TryDequeue(out int other))
            {
                _rows.Add(new StatDiffRow(others[other], row));
                rows[i] = others[other] = null;
            }
        }
    }

    private void AddRest(List<StatRow?> rows, Func<StatRow, StatDiffRow> make)
    {
        foreach (StatRow? row in rows)
        {
            if (row != null)
            {
                _rows.Add(make(row));
            }
        }
    }
}
