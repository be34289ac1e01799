using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary>The options that say what is recorded, and how: of <c>ftrace record</c> and <c>ftrace attach</c>.</summary>
internal sealed class RecordingOptions
{
    private static readonly string[] s_plugins = ["graph", "function", "sample"];

    private readonly Option<string[]> _filter = Patterns("--filter", "-f", "Record only functions that match; can be given several times");
    private readonly Option<string[]> _notrace = Patterns("--notrace", "-n", "Do not record functions that match");
    private readonly Option<string[]> _trigger = Patterns("--trigger", "-T", "What calls of a function do to the recording: PATTERN:snapshot, PATTERN:traceon, PATTERN:traceoff");

    private readonly Option<string?> _plugin = new("--plugin", "-p")
    {
        Description = "What to record: graph, entries and exits (the default); function, entries and their callers; sample, samples",
        HelpName = "NAME",
    };

    private readonly Option<long> _buffer = Value("--buffer", "-b", "SIZE", "Size of each thread's buffer, up to 64M: 512K, 4M (1M)", ValueText.ToBytes);
    private readonly Option<long> _maxSize = Value("--max-size", null, "SIZE", "Size of the file at most: 100M, 2G (1G)", ValueText.ToBytes);
    private readonly Option<long> _depth = Value("--depth", "-D", "N", "Record only N levels of calls", ValueText.ToCount);
    private readonly Option<long> _minTime = Value("--min-time", "-t", "TIME", "Record only calls that take so long: 500ns, 10us, 5ms", ValueText.ToNanoseconds);
    private readonly Option<long> _hz = Value("--hz", null, "N", "Take N samples of each thread per second of its CPU time", ValueText.ToCount);
    private readonly Option<long> _signal = Value("--snapshot-signal", null, "SIGNAL", "Write a snapshot when the program gets this signal: USR1", ValueText.ToSignal);

    private readonly Option<bool> _stream = new("--stream") { Description = "Write all events, instead of keeping the last ones of each thread" };
    private readonly Option<bool> _noChildren = new("--no-children") { Description = "Do not record programs that the program starts" };
    private readonly Option<bool> _off = new("--off") { Description = "Begin with recording off" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print no summary" };

    public RecordingOptions()
    {
        _plugin.AcceptOnlyFromAmong(s_plugins);
        _signal.CompletionSources.Add("USR1", "USR2", "HUP", "WINCH", "PWR");
    }

    /// <summary>Those that name what to record, which help shows first.</summary>
    public IReadOnlyList<Option> First => [_filter, _notrace];

    public IReadOnlyList<Option> Others =>
        [_plugin, _buffer, _stream, _maxSize, _depth, _minTime, _hz, _trigger, _signal, _off, _noChildren, _quiet];

    /// <param name="result">The command line.</param>
    /// <param name="output">The file to write; empty: none.</param>
    public RecordOptions Read(ParseResult result, string output) => new()
    {
        Output = output,
        Filters = result.GetValue(_filter) ?? [],
        Notrace = result.GetValue(_notrace) ?? [],
        Triggers = result.GetValue(_trigger) ?? [],
        Plugin = result.GetValue(_plugin),
        Buffer = result.GetValue(_buffer),
        MaxSize = result.GetValue(_maxSize),
        IsStream = result.GetValue(_stream),
        Depth = (int)result.GetValue(_depth),
        MinTime = result.GetValue(_minTime),
        Hz = (int)result.GetValue(_hz),
        HasChildren = !result.GetValue(_noChildren),
        SnapshotSignal = (int)result.GetValue(_signal),
        IsOff = result.GetValue(_off),
        IsQuiet = result.GetValue(_quiet),
    };

    private static Option<string[]> Patterns(string name, string shortName, string description)
    {
        var option = new Option<string[]>(name, shortName)
        {
            Description = description,
            HelpName = "PATTERN",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        option.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens)
            {
                if (token.Value.Length == 0 || token.Value.AsSpan().IndexOfAny(';', '\n') >= 0)
                {
                    result.AddError($"{name}: a pattern is not empty, and has no semicolon; give {name} several times");
                }
            }
        });
        return option;
    }

    public static Option<long> Value(string name, string? shortName, string valueName, string description, Func<string, long?> parse) => new(name, shortName != null ? [shortName] : [])
    {
        Description = description,
        HelpName = valueName,
        CustomParser = result =>
        {
            long? value = parse(result.Tokens[0].Value);
            if (value == null)
            {
                result.AddError($"{name}: {result.Tokens[0].Value} is no {valueName}. {description}");
            }

            return value ?? 0;
        },
    };
}
