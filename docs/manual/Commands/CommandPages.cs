using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Help;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Manual.Documents;
using Ftrace.Manual.Model;
using Ftrace.Tool.Commands;

namespace Ftrace.Manual.Commands;

/// <summary>
/// The pages of section 1: of ftrace, and of each of its commands. Names, arguments and options are those of the command itself, the
/// rest is in docs/man/.
/// </summary>
internal sealed class CommandPages
{
    private const string Section = "1";
    private const string Group = "Commands";

    private readonly RootCommand _root = CommandTree.Create();
    private readonly PageIndex _index;
    private readonly InlineText _inlineText;
    private readonly MarkdownText _markdown;
    private readonly string _folder;

    /// <param name="index">Gets the names of the pages.</param>
    /// <param name="folder">docs/man.</param>
    public CommandPages(PageIndex index, string folder)
    {
        _index = index;
        _folder = folder;
        _inlineText = new InlineText(index);
        _markdown = new MarkdownText(index);
        foreach (Command command in Commands)
        {
            index.Add(command is RootCommand ? "ftrace" : $"ftrace {command.Name}", NameOf(command), Section);
        }
    }

    private IEnumerable<Command> Commands => _root.Subcommands.Where(c => !c.Hidden).Prepend(_root);

    public IEnumerable<Page> Create()
    {
        foreach (Command command in Commands)
        {
            yield return PageOf(command);
        }

        string[] left = [.. Directory.GetFiles(_folder, "*.1.md").Select(Path.GetFileName).Except(Commands.Select(c => $"{NameOf(c)}.1.md"))!];
        if (left.Length != 0)
        {
            throw new FormatException($"docs/man: {string.Join(", ", left)} is of no command");
        }
    }

    private static string NameOf(Command command) => command is RootCommand ? "ftrace" : $"ftrace-{command.Name}";

    private Page PageOf(Command command)
    {
        var page = new Page([NameOf(command)], Section, SummaryOf(command), Group);
        page.Add("SYNOPSIS", [new Preformatted(string.Join('\n', Synopsis.Of(command)), IsSynopsis: true)]);
        Dictionary<string, List<Block>> written = Written(command);
        List<Block> description = written.GetValueOrDefault("Description") ?? [];
        written.Remove("Description");
        description.AddRange(ArgumentsOf(command));
        page.Add("DESCRIPTION", description);
        if (command is RootCommand)
        {
            page.Add("COMMANDS", [new DefinitionList([.. Commands.Skip(1).Select(c => new Definition([Inline.Reference(NameOf(c), Section)], [Text(SummaryOf(c, isSentence: true))]))])]);
        }

        page.Add("OPTIONS", [new DefinitionList([.. command.Options.Concat(_root.Options.Where(o => o.Recursive && command != _root)).Where(o => !o.Hidden).Select(OptionOf)])]);
        foreach ((string heading, List<Block> blocks) in written)
        {
            page.Add(heading.ToUpperInvariant(), blocks);
        }

        AddSeeAlso(page, command);
        return page;
    }

    private static string SummaryOf(Command command, bool isSentence = false)
    {
        string summary = command.Description!.Split('\n')[0].TrimEnd('.');
        return isSentence ? summary + "." : char.ToLowerInvariant(summary[0]) + summary[1..];
    }

    /// <summary>What docs/man has of the page, by section.</summary>
    private Dictionary<string, List<Block>> Written(Command command)
    {
        string path = Path.Combine(_folder, $"{NameOf(command)}.1.md");
        return File.Exists(path)
            ? MarkdownDocument.Read(path).Sections().ToDictionary(s => s.Heading, s => s.Blocks.SelectMany(_markdown.Convert).ToList())
            : throw new FormatException($"{path} is missing");
    }

    private IEnumerable<Block> ArgumentsOf(Command command)
    {
        if (command.Arguments.Count != 0)
        {
            yield return new DefinitionList([.. command.Arguments.Select(a => new Definition([Inline.Variable(a.Name)], Described(a.Description!)))]);
        }
    }

    private Definition OptionOf(Option option)
    {
        string? value = Synopsis.ValueNameOf(option);
        var term = new List<Inline>();
        foreach (string name in option.Aliases.Append(option.Name).Distinct().OrderBy(n => n.Length))
        {
            if (term.Count != 0)
            {
                term.Add(Inline.Of(", "));
            }

            term.Add(Inline.Literal(name));
        }

        if (value != null)
        {
            term.Add(Inline.Of(" "));
            term.Add(Inline.Variable(value));
        }

        List<Block> text = Described(option.Description!);
        if (DefaultOf(option) is { } standard)
        {
            text.Add(new Paragraph([Inline.Of("The default is "), Inline.Literal(standard), Inline.Of(".")]));
        }

        return new Definition(term, text);
    }

    private static string? DefaultOf(Option option) =>
        option is not HelpOption && option.HasDefaultValue && option.ValueType == typeof(string) && option.GetDefaultValue() is string { Length: > 0 } text ? text : null;

    /// <summary>Paragraphs; lines with two columns stay as they are.</summary>
    private List<Block> Described(string description)
    {
        var blocks = new List<Block>();
        foreach (string part in Regex.Split(description.Trim(), @"\n\s*\n"))
        {
            foreach (IGrouping<int, string> run in Runs(part.Split('\n')))
            {
                blocks.Add(run.Key % 2 == 1 ? new Preformatted(string.Join('\n', run)) : Text(Sentence(string.Join(' ', run.Select(l => l.Trim())))));
            }
        }

        return blocks;
    }

    /// <summary>Groups of lines: those with even keys are text, those with odd ones have columns.</summary>
    private static IEnumerable<IGrouping<int, string>> Runs(string[] lines)
    {
        int key = 0;
        return lines.Select(line =>
        {
            bool isAligned = Regex.IsMatch(line, @"\S  +\S|^  ");
            key += isAligned == (key % 2 == 1) ? 0 : 1;
            return (Key: key, Line: line);
        }).ToArray().GroupBy(l => l.Key, l => l.Line);
    }

    private static string Sentence(string text) => text.Length == 0 || text[^1] is '.' or ':' ? text : text + ".";

    private Paragraph Text(string text) => new(_inlineText.Parse(text));

    private void AddSeeAlso(Page page, Command command)
    {
        IEnumerable<Inline> pages = page.Inlines.Where(i => i.Kind == InlineKind.Reference && i.Target != $"{page.Name}.{Section}").DistinctBy(i => i.Target)
            .OrderBy(i => i.Target![^1]).ThenBy(i => i.Target, StringComparer.Ordinal);
        if (command is RootCommand)
        {
            pages = [];
        }

        Inline[] own = command is RootCommand ? [Inline.Reference("ftrace", "7"), Inline.Reference("libftrace", "3")] : [Inline.Reference("ftrace", Section), Inline.Reference("ftrace", "7")];
        Inline[] all = [.. pages.Concat(own).DistinctBy(i => i.Target)];
        page.Add("SEE ALSO", [new Paragraph([.. all.SelectMany((p, i) => i == 0 ? (Inline[])[p] : [Inline.Of(", "), p])])]);
    }
}
