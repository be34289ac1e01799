using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;

namespace Ftrace.Tool.Commands;

/// <summary>How a command is called, as in man-pages(7).</summary>
internal static class Synopsis
{
    private const string Program = "ftrace";

    /// <summary>One line for each way.</summary>
    public static IReadOnlyList<string> Of(Command command)
    {
        if (command is RootCommand)
        {
            return [$"{Program} COMMAND [ARGUMENT]...", $"{Program} --help | --version"];
        }

        string name = $"{Program} {command.Name}";
        if (command.Name == RecordCommand.Name)
        {
            return [$"{name} [OPTION]... [--] PROGRAM [ARGUMENT]...", $"{name} [OPTION]... --pid PID"];
        }

        IEnumerable<string> required = command.Options.Where(o => o.Required).Select(o => $"{o.Name} {ValueNameOf(o)}");
        return [string.Join(' ', (string[])[name, .. HasOptions(command) ? ["[OPTION]..."] : Array.Empty<string>(), .. required, .. command.Arguments.Select(Of)])];
    }

    /// <summary>The name of an option's value; null: it has none.</summary>
    public static string? ValueNameOf(Option option) =>
        option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool) ? null : option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant();

    private static bool HasOptions(Command command) => command.Options.Any(o => !o.Hidden && !o.Required);

    private static string Of(Argument argument) => argument.Arity switch
    {
        { MinimumNumberOfValues: 0, MaximumNumberOfValues: 1 } => $"[{argument.Name}]",
        { MinimumNumberOfValues: 0 } => $"[{argument.Name}]...",
        _ => argument.Name,
    };
}
