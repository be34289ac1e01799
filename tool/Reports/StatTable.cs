using System;
using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The lines of <c>ftrace stat</c>.</summary>
internal sealed class StatTable
{
    private readonly List<StatRow> _rows = [];

    private StatTable(TraceFile file, EventSelection selection, CallStatistics statistics)
    {
        foreach (ref FunctionTotals totals in statistics.Rows)
        {
            StatRow row = MakeRow(file, statistics, ref totals);
            if (row.Calls == 0 && row.SamplesInside == 0)
            {
                continue; // its address was in a sample's stack before, or it was looked up only
            }

            _rows.Add(row);
            HasTimes |= totals.Timed != 0;
            HasCalls |= row.Calls != 0;
            WithoutEntry += row.WithoutEntry;
            WithoutExit += row.WithoutExit;
            HasThreads |= totals.Thread >= 0;
            IsWithoutQuantiles |= totals.Timed != 0 && row.P50 == null;
        }

        IsAll = selection.IsAll;
        Samples = statistics.Samples;
        IsRateKnown = file.Clock.IsRateKnown;
        Lost = Math.Max(file.Lost, statistics.Lost);
        foreach (TraceThread thread in file.Threads)
        {
            MissingBlocks += thread.MissingBlocks;
            IsBeginningCut |= thread.IsBeginningCut;
        }
    }

    public IReadOnlyList<StatRow> Rows => _rows;

    /// <summary>False: threads or times were selected.</summary>
    public bool IsAll { get; }

    /// <summary>False: only entries, or only samples, or nothing was recorded.</summary>
    public bool HasTimes { get; }

    public bool HasCalls { get; }

    public bool HasThreads { get; }

    public ulong WithoutEntry { get; }

    public ulong WithoutExit { get; }

    public ulong Samples { get; }

    public ulong Lost { get; }

    public ulong MissingBlocks { get; }

    /// <summary>The file has the end of what the threads did: it was a flight recorder.</summary>
    public bool IsBeginningCut { get; }

    /// <summary>False: times are those of the TSC.</summary>
    public bool IsRateKnown { get; }

    /// <summary>There was not enough memory for the quantiles of some functions.</summary>
    public bool IsWithoutQuantiles { get; }

    /// <summary>Reads a trace.</summary>
    public static StatTable Read(TraceFile file, EventSelection selection, bool byThread)
    {
        if ((selection.Threads ?? file.Threads).Count > 1)
        {
            using var eachAlone = new CallStatistics(file, byThread);
            if (eachAlone.TryReadByThread(selection))
            {
                return new StatTable(file, selection, eachAlone);
            }
        }

        using var statistics = new CallStatistics(file, byThread);
        statistics.Read(selection);
        return new StatTable(file, selection, statistics);
    }

    /// <summary>Sorts the rows: numbers from the highest, names from the first; ties by name.</summary>
    public void Sort(StatField field) => _rows.Sort((a, b) => Compare(a, b, field));

    private int Compare(StatRow a, StatRow b, StatField field)
    {
        int order = 0;
        if (field != StatField.Name)
        {
            order = Nullable.Compare(b[field], a[field]);
            order = order != 0 || field != StatField.Self ? order : b.Samples.CompareTo(a.Samples);
            order = order != 0 ? order : b.SamplesInside.CompareTo(a.SamplesInside);
            order = order != 0 ? order : b.Samples.CompareTo(a.Samples);
            order = order != 0 ? order : b.Calls.CompareTo(a.Calls);
        }

        order = order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
        order = order != 0 ? order : string.CompareOrdinal(a.Object, b.Object);
        return order != 0 ? order : a.ThreadId.CompareTo(b.ThreadId);
    }

    private static StatRow MakeRow(TraceFile file, CallStatistics statistics, ref FunctionTotals totals)
    {
        bool hasTimes = totals.Timed != 0;
        TraceThread? thread = totals.Thread < 0 ? null : file.Threads[totals.Thread];
        return new StatRow
        {
            Name = totals.Function == FunctionTotals.Others ? "(others)" : file.Symbols.NameText(totals.Function),
            Object = totals.Function == FunctionTotals.Others ? "" : file.Symbols.ObjectOf(totals.Function)?.Name ?? "",
            ThreadId = thread?.Id ?? 0,
            ThreadName = thread?.Name ?? "",
            Calls = totals.Timed + totals.WithoutEntry + totals.WithoutExit + totals.Entries,
            WithoutEntry = totals.WithoutEntry,
            WithoutExit = totals.WithoutExit,
            Total = hasTimes ? totals.Total : null,
            Self = hasTimes ? totals.Self : null,
            Average = hasTimes ? (totals.Sum + totals.Timed / 2) / totals.Timed : null,
            Min = hasTimes ? totals.Min : null,
            Max = hasTimes ? totals.Max : null,
            P50 = hasTimes ? statistics.Quantile(ref totals, 50) : null,
            P99 = hasTimes ? statistics.Quantile(ref totals, 99) : null,
            Samples = totals.Samples,
            SamplesInside = totals.SamplesInside,
        };
    }
}
