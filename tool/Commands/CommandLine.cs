using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Commands;

/// <summary>Parses the command line, runs the command, and prints what fails as one line.</summary>
internal static class CommandLine
{
    public static int Run(RootCommand root, string[] args)
    {
        ParseResult result = root.Parse(args);
        if (result.Errors.Count != 0)
        {
            foreach (ParseError error in result.Errors)
            {
                PrintError(string.Join(' ', error.Message.Split((char[])['\n', '\t'], StringSplitOptions.RemoveEmptyEntries)));
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

    public static void PrintError(string message) => Console.Error.WriteLine($"ftrace: {message}");
}
