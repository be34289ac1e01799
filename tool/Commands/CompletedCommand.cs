using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Completions;
using System.Linq;

namespace Ftrace.Tool.Commands;

/// <summary>A command, as shells complete it.</summary>
internal sealed record CompletedCommand(string Name, string Description, IReadOnlyList<CompletedOption> Options, IReadOnlyList<CompletedValue> Arguments)
{
    /// <summary>The commands that help shows; the first one is the root, whose name is empty.</summary>
    public static CompletedCommand[] AllOf(RootCommand root)
    {
        Option[] common = [.. root.Options.Where(o => o.Recursive)];
        return
        [
            new CompletedCommand("", "", [.. root.Options.Select(Of)], []),
            .. from command in root.Subcommands
               where !command.Hidden
               select new CompletedCommand(command.Name, Brief(command.Description), [.. command.Options.Concat(common).Where(o => !o.Hidden).Select(Of)], [.. command.Arguments.Select(Of)]),
        ];
    }

    /// <summary>The first words, up to a sign that ends a part of the sentence.</summary>
    public static string Brief(string? description)
    {
        string line = (description ?? "").Split('\n')[0].Trim();
        int end = ((string[])["; ", ": ", ". "]).Select(s => line.IndexOf(s, StringComparison.Ordinal)).Where(i => i > 0).DefaultIfEmpty(line.Length).Min();
        return line[..end].TrimEnd(':', '.');
    }

    private static CompletedOption Of(Option option) => new(
        [.. option.Aliases.Append(option.Name).Distinct().OrderBy(n => n.Length)],
        Brief(option.Description),
        Synopsis.ValueNameOf(option) is { } name
            ? CompletedValue.Create(name, option.ValueType, option.GetCompletions(CompletionContext.Empty), option.Arity.MaximumNumberOfValues > 1)
            : null);

    private static CompletedValue Of(Argument argument) =>
        CompletedValue.Create(argument.Name, argument.ValueType, argument.GetCompletions(CompletionContext.Empty), argument.Arity.MaximumNumberOfValues > 1);
}
