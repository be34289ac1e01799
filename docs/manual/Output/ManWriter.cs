using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Output;

/// <summary>Writes a page for man(1), in the language of man(7).</summary>
internal sealed class ManWriter
{
    private const int MaxColumn = 78;

    private readonly StringBuilder _text = new();

    private ManWriter()
    {
    }

    /// <param name="page">The page.</param>
    /// <param name="date">YYYY-MM-DD.</param>
    /// <param name="version">Of the library.</param>
    public static string Write(Page page, string date, string version)
    {
        var writer = new ManWriter();
        writer.Line($".TH {Escape(page.Name.ToUpperInvariant())} {page.Section} {date} \"libftrace {version}\" \"libftrace Manual\"");
        writer.Line(".SH NAME");
        writer.Wrapped($"{Escape(string.Join(", ", page.Names))} \\- {Escape(page.Summary)}");
        foreach (PageSection section in page.Sections)
        {
            writer.Line($".SH {Escape(section.Heading)}");
            writer.Blocks(section.Blocks, isFirst: true);
        }

        return writer._text.ToString();
    }

    private void Line(string line) => _text.Append(line).Append('\n');

    /// <param name="blocks">The blocks.</param>
    /// <param name="isFirst">True: they follow a heading, which begins a paragraph by itself.</param>
    private void Blocks(IReadOnlyList<Block> blocks, bool isFirst)
    {
        foreach (Block block in blocks)
        {
            Block(block, isFirst);
            isFirst = block is Subheading;
        }
    }

    private void Block(Block block, bool isFirst)
    {
        switch (block)
        {
            case Paragraph paragraph:
                if (!isFirst)
                {
                    Line(".PP");
                }

                Text(paragraph.Text);
                break;
            case Subheading heading:
                Line($".SS {Escape(heading.Text)}");
                break;
            case Preformatted code:
                Code(code, isFirst);
                break;
            case ItemList list:
                Items(list);
                break;
            case DefinitionList list:
                Definitions(list);
                break;
            case Table table:
                Rows(table);
                break;
        }
    }

    private void Code(Preformatted code, bool isFirst)
    {
        if (!isFirst)
        {
            Line(".PP");
        }

        if (!code.IsSynopsis)
        {
            Line(".RS 4");
        }

        Line(".EX");
        foreach (string line in code.Text.Split('\n'))
        {
            string text = EscapeCode(Expanded(line));
            Line(text.Length == 0 ? "" : Continued(code.IsSynopsis ? $"\\fB{text}\\fR" : Guarded(text)));
        }

        Line(".EE");
        if (!code.IsSynopsis)
        {
            Line(".RE");
        }
    }

    private void Items(ItemList list)
    {
        int number = 0;
        foreach (IReadOnlyList<Block> item in list.Items)
        {
            number++;
            Line(list.IsNumbered ? $".IP {number}. 4" : ".IP \\(bu 2");
            Indented(item);
        }
    }

    private void Definitions(DefinitionList list)
    {
        foreach (Definition definition in list.Items)
        {
            Line(".TP");
            Line(Guarded(string.Concat(definition.Term.Select(Font))));
            Indented(definition.Text);
        }
    }

    /// <summary>The text of an item: after the first paragraph, further blocks have its indentation.</summary>
    private void Indented(IReadOnlyList<Block> blocks)
    {
        if (blocks.Count == 0)
        {
            Line("\\&");
            return;
        }

        int start = 0;
        if (blocks[0] is Paragraph first)
        {
            Text(first.Text);
            start = 1;
        }

        if (start < blocks.Count)
        {
            Line(".RS");
            Blocks([.. blocks.Skip(start)], isFirst: start == 0);
            Line(".RE");
        }
    }

    /// <summary>A terminal has no room for more than two columns: the others follow the second one, with their titles.</summary>
    private void Rows(Table table)
    {
        IReadOnlyList<IReadOnlyList<Inline>> titles = table.Rows[0];
        var definitions = new List<Definition>();
        foreach (IReadOnlyList<IReadOnlyList<Inline>> row in table.Rows.Skip(1))
        {
            var text = new List<Inline>();
            for (int i = 1; i < row.Count; i++)
            {
                if (row[i].Count != 0)
                {
                    bool hasTitle = i > 1 || titles[0].Count == 0;
                    text.AddRange([Inline.Of(text.Count == 0 ? "" : " "), .. hasTitle ? [.. titles[i], Inline.Of(": ")] : (Inline[])[], .. row[i], Inline.Of(".")]);
                }
            }

            definitions.Add(new Definition(row[0], [new Paragraph(text)]));
        }

        Definitions(new DefinitionList(definitions));
    }

    /// <summary>Each sentence begins a line, and lines are short.</summary>
    private void Text(IReadOnlyList<Inline> text) => Wrapped(string.Concat(text.Select(Font)));

    private void Wrapped(string all)
    {
        var line = new StringBuilder();
        string[] words = all.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < words.Length; i++)
        {
            bool isLong = line.Length + words[i].Length + 1 > MaxColumn;
            bool isSentence = i != 0 && Regex.IsMatch(words[i - 1], @"[.!?]\)?(\\fR)?$") && words[i - 1].Length > 2;
            if (line.Length != 0 && (isLong || isSentence))
            {
                Line(Guarded(line.ToString()));
                line.Clear();
            }

            line.Append(line.Length == 0 ? "" : " ").Append(words[i]);
        }

        if (line.Length != 0)
        {
            Line(Guarded(line.ToString()));
        }
        else if (words.Length == 0)
        {
            Line("\\&");
        }
    }

    /// <summary>A line that begins with a dot or an apostrophe is a request.</summary>
    private static string Guarded(string line) => line[0] is '.' or '\'' ? "\\&" + line : line;

    private static string Font(Inline inline) => inline.Kind switch
    {
        InlineKind.Literal or InlineKind.Mention => $"\\fB{EscapeCode(inline.Text)}\\fR",
        InlineKind.Variable => $"\\fI{EscapeCode(inline.Text)}\\fR",
        InlineKind.Document => $"\\fI{EscapeCode(inline.Text)}\\fR",
        InlineKind.Reference => $"\\fB{EscapeCode(inline.Text)}\\fR({inline.Target![(inline.Target!.LastIndexOf('.') + 1)..]})",
        InlineKind.Link when inline.Text != inline.Target => $"{Escape(inline.Text)} <{Escape(inline.Target!)}>",
        _ => Escape(inline.Text),
    };

    /// <summary>A long line of code is several in the file, that end with a backslash.</summary>
    private static string Continued(string line)
    {
        var text = new StringBuilder();
        string rest = line;
        while (rest.Length > MaxColumn && rest.LastIndexOf(' ', MaxColumn - 2) is > 0 and var at && rest[..at].Trim().Length != 0)
        {
            text.Append(rest[..at]).Append("\\\n");
            rest = rest[at..];
        }

        return text.Append(rest).ToString();
    }

    /// <summary>Tabs are eight columns wide, as in the source; those of roff are not.</summary>
    private static string Expanded(string line)
    {
        var text = new StringBuilder();
        foreach (char c in line)
        {
            text.Append(c == '\t' ? new string(' ', 8 - (text.Length % 8)) : c);
        }

        return text.ToString();
    }

    private static string EscapeCode(string text) => Escape(text)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("'", "\\(aq", StringComparison.Ordinal)
        .Replace("`", "\\(ga", StringComparison.Ordinal)
        .Replace("^", "\\(ha", StringComparison.Ordinal)
        .Replace("~", "\\(ti", StringComparison.Ordinal);

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            escaped.Append(rune.Value switch
            {
                '\\' => "\\e",
                '\n' => " ",
                < 0x80 => ((char)rune.Value).ToString(),
                _ => $"\\[u{rune.Value:X4}]",
            });
        }

        return escaped.ToString();
    }
}
