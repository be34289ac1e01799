using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using System.Linq;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Commands;

/// <summary>Parses the command line, runs the command, and prints what fails as one line.</summary>
internal static class CommandLine
{
    public static int Run(RootCommand root, string[] args)
    {
        ParseResult result = root.Parse(args);
        string[] errors = [.. result.Errors.Select(e => string.Join(' ', e.Message.Split((char[])['\n', '\t'], StringSplitOptions.RemoveEmptyEntries)))];
        if (errors.Length == 0 && UnknownOption(result) is { } option)
        {
            errors = [$"{result.CommandResult.Command.Name} has no option {option}"];
        }

        if (errors.Length != 0)
        {
            foreach (string error in errors)
            {
                PrintError(error);
            }

            Console.Error.WriteLine(result.CommandResult.Command is RootCommand ? "See: ftrace --help" : $"See: ftrace {result.CommandResult.Command.Name} --help");
            return ExitCode.Usage;
        }

        try
        {
            return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OutputClosedException)
        {
            return ExitCode.Success; // as with head(1)
        }
        catch (CommandFailure e)
        {
            PrintError(e.Message);
            return e.ExitCode;
        }
        catch (TraceFileException e)
        {
            PrintError(e.Message);
            return ExitCode.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            PrintError(e.Message);
            return ExitCode.Failure;
        }
    }

    /// <summary>What looks like an option and was taken for an argument; null: there is none. After "--" there are only arguments.</summary>
    private static string? UnknownOption(ParseResult result)
    {
        if (result.Action is { ClearsParseErrors: true })
        {
            return null; // --help, --version
        }

        Token[] before = [.. result.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash)];
        return result.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens)
            .FirstOrDefault(t => t.Value is ['-', _, ..] && before.Contains(t))?.Value;
    }

    public static void PrintError(string message) => Console.Error.WriteLine($"ftrace: {message}");
}
