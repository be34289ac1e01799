using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO.Enumeration;
using System.Linq;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Commands;

/// <summary>The options that say which events of a trace are looked at.</summary>
internal sealed class SelectionOptions
{
    private readonly Option<long[]> _tid = new("--tid")
    {
        Description = "Only the threads with these ids",
        HelpName = "TID",
        CustomParser = result => NumberParser.ParseAll(result, "--tid takes the id of a thread"),
    };

    private readonly Option<string[]> _thread = new("--thread")
    {
        Description = "Only the threads with these names; * and ? are wildcards",
        HelpName = "NAME",
    };

    private readonly Option<string> _range = new("--range")
    {
        Description = "Only these times: seconds from the start of the recording, or UTC as 2026-01-31T12:00:00.5Z; either can be left out",
        HelpName = "FROM..TO",
    };

    public SelectionOptions(Command command)
    {
        _range.Validators.Add(result =>
        {
            if (!TimeRange.TryParse(result.GetValueOrDefault<string>() ?? "", out _))
            {
                result.AddError("--range takes FROM..TO: seconds, or times as 2026-01-31T12:00:00.5Z");
            }
        });
        command.Add(_tid);
        command.Add(_thread);
        command.Add(_range);
    }

    public EventSelection Of(ParseResult result, TraceFile file)
    {
        _ = TimeRange.TryParse(result.GetValue(_range) ?? "..", out TimeRange times);
        return new EventSelection
        {
            Threads = Select(file, result.GetValue(_tid) ?? [], result.GetValue(_thread) ?? []),
            From = times.FromIn(file),
            To = times.ToIn(file),
        };
    }

    /// <summary>Null: all.</summary>
    private static List<TraceThread>? Select(TraceFile file, long[] ids, string[] names)
    {
        if (ids.Length == 0 && names.Length == 0)
        {
            return null;
        }

        var threads = file.Threads.Where(thread => ids.Contains(thread.Id) || names.Any(name => HasName(file, thread, name))).ToList();
        if (threads.Count != 0)
        {
            return threads;
        }

        const int MaxNamed = 20;
        IEnumerable<string> wanted = ids.Select(id => id.ToString(CultureInfo.InvariantCulture)).Concat(names);
        string has = string.Join(", ", file.Threads.Take(MaxNamed).Select(thread => TaskNames.Of(file, thread)));
        throw new CommandFailure($"{file.Path}: has no thread {string.Join(" or ", wanted)}; it has: {has}{(file.Threads.Count > MaxNamed ? " ..." : "")}");
    }

    private static bool HasName(TraceFile file, TraceThread thread, string pattern) =>
        FileSystemName.MatchesSimpleExpression(pattern, TaskNames.NameOf(file, thread), ignoreCase: false);
}
