using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace record</c>: runs a program, and records it.</summary>
internal sealed class RecordCommand
{
    private const string Name = "record";

    private static readonly string[] s_plugins = ["graph", "function", "sample"];

    private readonly Argument<string[]> _program = new("PROGRAM")
    {
        Description = "The program, and its arguments",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The file to write; one that exists is kept as FILE.old",
        HelpName = "FILE",
        DefaultValueFactory = _ => TraceInput.DefaultName,
    };

    private readonly Option<string[]> _filter = Patterns("--filter", "-f", "Record only functions that match; can be given several times");
    private readonly Option<string[]> _notrace = Patterns("--notrace", "-n", "Do not record functions that match");
    private readonly Option<string[]> _trigger = Patterns("--trigger", "-T", "What a function does to the recording: PATTERN:snapshot, PATTERN:traceon, PATTERN:traceoff");

    private readonly Option<string?> _plugin = new("--plugin", "-p")
    {
        Description = "graph: entries and exits (the default); function: entries and their callers; sample: samples",
        HelpName = "NAME",
    };

    private readonly Option<long> _buffer = Value("--buffer", "-b", "SIZE", "Of each thread's buffer, up to 64M: 512K, 4M (1M)", ValueText.ToBytes);
    private readonly Option<long> _maxSize = Value("--max-size", null, "SIZE", "Of the file (1G)", ValueText.ToBytes);
    private readonly Option<long> _depth = Value("--depth", "-D", "N", "Record only N levels of calls", ValueText.ToCount);
    private readonly Option<long> _minTime = Value("--min-time", "-t", "TIME", "Record only calls that take so long: 500ns, 10us, 5ms", ValueText.ToNanoseconds);
    private readonly Option<long> _hz = Value("--hz", null, "N", "Take N samples of each thread per second of its CPU time", ValueText.ToCount);
    private readonly Option<long> _signal = Value("--snapshot-signal", null, "SIGNAL", "Write a snapshot when the program gets this signal: USR1", ValueText.ToSignal);

    private readonly Option<bool> _stream = new("--stream") { Description = "Write all events, instead of keeping the last ones of each thread" };
    private readonly Option<bool> _noChildren = new("--no-children") { Description = "Do not record programs that the program starts" };
    private readonly Option<bool> _off = new("--off") { Description = "Begin with recording off" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print no summary" };

    private readonly Command _command = new(Name, "Run a program and record its function calls");

    private RecordCommand()
    {
        foreach (Option option in (ReadOnlySpan<Option>)
            [_filter, _notrace, _output, _plugin, _buffer, _stream, _maxSize, _depth, _minTime, _hz, _trigger, _signal, _off, _noChildren, _quiet])
        {
            _command.Add(option);
        }

        _plugin.AcceptOnlyFromAmong(s_plugins);
        _program.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', _, ..] name }, ..])
            {
                result.AddError($"record has no option {name}; a program of that name is ./{name}");
            }
        });
        _command.Add(_program);
        _command.SetAction(Run);
    }

    public static Command Create() => new RecordCommand()._command;

    /// <summary>
    /// Puts "--" before the program, so that what follows are its arguments, whatever they look like: <c>ftrace record -b 4M ls -l</c>.
    /// </summary>
    public static string[] SeparateProgram(Command command, string[] args)
    {
        if (args.Length == 0 || args[0] != Name)
        {
            return args;
        }

        for (int i = 1; i < args.Length && args[i] != "--"; i++)
        {
            if (args[i].Length < 2 || args[i][0] != '-')
            {
                return [.. args[..i], "--", .. args[i..]];
            }

            i += TakesNext(command, args[i]) ? 1 : 0;
        }

        return args;
    }

    /// <summary>True if the value of an option is the next argument: of <c>-o</c>, <c>--output</c>, and the last one of <c>-qo</c>.</summary>
    private static bool TakesNext(Command command, string argument)
    {
        if (argument.StartsWith("--", StringComparison.Ordinal))
        {
            return TakesValue(command, argument);
        }

        int at = 1;
        while (at < argument.Length - 1 && !TakesValue(command, $"-{argument[at]}"))
        {
            at++;
        }

        return at == argument.Length - 1 && TakesValue(command, $"-{argument[at]}");
    }

    private static bool TakesValue(Command command, string name)
    {
        foreach (Option option in command.Options)
        {
            if (option.Name == name || option.Aliases.Contains(name))
            {
                return option.Arity.MinimumNumberOfValues != 0;
            }
        }

        return false;
    }

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

    private static Option<long> Value(string name, string? shortName, string valueName, string description, Func<string, long?> parse) => new(name, shortName != null ? [shortName] : [])
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

    private int Run(ParseResult result)
    {
        var options = new RecordOptions
        {
            Output = result.GetRequiredValue(_output),
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
        IReadOnlyList<string> program = result.GetRequiredValue(_program);
        try
        {
            return new RecordSession(options).Run(program);
        }
        catch (RecordingException e)
        {
            throw new CommandFailure(e.Message, e.ExitCode);
        }
    }
}
