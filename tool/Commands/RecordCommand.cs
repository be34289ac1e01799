using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace record</c>: runs a program, and records it.</summary>
internal sealed class RecordCommand
{
    public const string Name = "record";

    private readonly Argument<string[]> _program = new("PROGRAM")
    {
        Description = "The program, and its arguments",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The file to write; one that exists is kept as FILE.old",
        HelpName = "FILE",
        DefaultValueFactory = _ => TraceInput.DefaultName,
    };

    private readonly Option<string?> _pid = new("--pid", "-P") { Description = "Attach to a process that runs, instead of running a program", HelpName = "PID" };
    private readonly ProcessOptions _process = new();
    private readonly RecordingOptions _options = new();
    private readonly Command _command = new(Name, "Run a program and record its function calls");

    private RecordCommand()
    {
        foreach (Option option in (ReadOnlySpan<Option>)[.. _options.First, _output, _pid, .. _process.All, .. _options.Others])
        {
            _command.Add(option);
        }

        _program.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', _, ..] name }, ..])
            {
                result.AddError($"record has no option {name}; a program of that name is ./{name}");
            }
        });
        _command.Validators.Add(CheckTarget);
        _command.Add(_program);
        _command.SetAction(Run);
    }

    public static Command Create() => new RecordCommand()._command;

    /// <summary>
    /// Puts "--" before the program, so that what follows are its arguments, whatever they look like: <c>ftrace record -b 4M ls -l</c>.
    /// </summary>
    /// <param name="root">The command that has this one.</param>
    /// <param name="args">The command line.</param>
    public static string[] SeparateProgram(Command root, string[] args)
    {
        if (args.Length == 0 || args[0] != Name)
        {
            return args;
        }

        Command command = root.Subcommands.Single(c => c.Name == Name);
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

    private void CheckTarget(CommandResult result)
    {
        bool hasProgram = result.GetResult(_program) is { Tokens.Count: > 0 };
        bool hasProcess = result.GetResult(_pid) is { Tokens.Count: > 0 };
        if (hasProgram == hasProcess)
        {
            result.AddError(hasProgram ? "record: give a program, or a process with -P, not both" : "record: give a program to run, or a process with -P PID");
        }
        else if (hasProgram && _process.AreGiven(result))
        {
            result.AddError("--seconds, --force and --copy-to are for a process, -P PID; a program is recorded until it ends");
        }
    }

    private int Run(ParseResult result)
    {
        RecordOptions options = _options.Read(result, result.GetRequiredValue(_output));
        if (result.GetValue(_pid) is string target)
        {
            return _process.Run(options, target, result);
        }

        try
        {
            return new RecordSession(options).Run(result.GetRequiredValue(_program));
        }
        catch (RecordingException e)
        {
            throw new CommandFailure(e.Message, e.ExitCode);
        }
    }
}
