using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Headers;

/// <summary>
/// The lines of a comment as blocks. Lines that begin with a tab are code, or a list of terms if each has two columns. Lines that
/// begin with spaces are items ("- ", "1. ", "-EINVAL  "), or lines that stay as they are.
/// </summary>
internal sealed class CommentText(InlineText inlineText)
{
    private static readonly Regex s_bullet = new(@"^( +)- +(.*)$");
    private static readonly Regex s_number = new(@"^( +)\d+\. +(.*)$");
    private static readonly Regex s_error = new(@"^( +)(-E[A-Z0-9]+(?:, -E[A-Z0-9]+)*)(?: +(.*))?$");
    private static readonly Regex s_term = new(@"^([^\s]+)\t+(\S.*)$");

    private IReadOnlyList<string> _lines = [];
    private int _at;

    /// <param name="lines">Without the margin of the comment.</param>
    public List<Block> Parse(IReadOnlyList<string> lines)
    {
        _lines = lines;
        _at = 0;
        var blocks = new List<Block>();
        while (_at < _lines.Count)
        {
            string line = _lines[_at];
            if (line.Length == 0)
            {
                _at++;
            }
            else if (line[0] == '\t')
            {
                blocks.Add(ReadCode());
            }
            else if (s_bullet.IsMatch(line))
            {
                blocks.Add(new ItemList(false, ReadItems(s_bullet).ConvertAll(i => (IReadOnlyList<Block>)[TextOf(i.Lines)])));
            }
            else if (s_number.IsMatch(line))
            {
                blocks.Add(new ItemList(true, ReadItems(s_number).ConvertAll(i => (IReadOnlyList<Block>)[TextOf(i.Lines)])));
            }
            else if (s_error.IsMatch(line))
            {
                blocks.Add(new DefinitionList(ReadItems(s_error).ConvertAll(i => new Definition(inlineText.Parse(i.Term), [TextOf(i.Lines)]))));
            }
            else if (line[0] == ' ' && !IsTextAfterItems(blocks, line))
            {
                blocks.Add(ReadAligned());
            }
            else
            {
                blocks.Add(ReadParagraph());
            }
        }

        return blocks;
    }

    public List<Inline> ParseInline(IEnumerable<string> lines) => inlineText.Parse(string.Join(' ', lines.Select(l => l.Trim())));

    private Paragraph TextOf(IEnumerable<string> lines) => new(ParseInline(lines));

    /// <summary>Such as "and the errors of ...", at the indentation of the items before.</summary>
    private static bool IsTextAfterItems(List<Block> blocks, string line) => blocks.Count != 0 && blocks[^1] is DefinitionList && !line.TrimStart().Contains("  ", StringComparison.Ordinal);

    private Paragraph ReadParagraph()
    {
        int indent = IndentOf(_lines[_at]);
        var text = new List<string> { _lines[_at++] };
        while (_at < _lines.Count && IsContinued(_lines[_at], indent))
        {
            text.Add(_lines[_at++]);
        }

        return TextOf(text);
    }

    private static bool IsContinued(string line, int indent) =>
        line.Length != 0 && line[0] != '\t' && !s_error.IsMatch(line) && (indent == 0 ? line[0] != ' ' : IndentOf(line) >= indent);

    private static int IndentOf(string line) => line.Length - line.TrimStart(' ').Length;

    private List<(string Term, List<string> Lines)> ReadItems(Regex pattern)
    {
        var items = new List<(string Term, List<string> Lines)>();
        int indent = IndentOf(_lines[_at]);
        for (; _at < _lines.Count; _at++)
        {
            string line = _lines[_at];
            Match match = pattern.Match(line);
            if (match.Success && IndentOf(line) == indent)
            {
                bool hasTerm = match.Groups.Count > 3;
                items.Add((hasTerm ? match.Groups[2].Value : "", [match.Groups[hasTerm ? 3 : 2].Value]));
            }
            else if (line.Length == 0 && _at + 1 < _lines.Count && pattern.IsMatch(_lines[_at + 1]))
            {
                continue;
            }
            else if (line.Length == 0 || line[0] == '\t' || IndentOf(line) <= indent)
            {
                break;
            }
            else
            {
                items[^1].Lines.Add(line);
            }
        }

        return items;
    }

    private Block ReadCode()
    {
        List<string> code = ReadWhile(l => l[0] == '\t');
        List<string> lines = code.ConvertAll(l => l.Length == 0 ? l : l[1..]);
        if (lines.All(l => s_term.IsMatch(l) || l.StartsWith("\t\t", StringComparison.Ordinal)) && s_term.IsMatch(lines[0]))
        {
            return ReadTerms(lines);
        }

        return new Preformatted(Unindented(code.ConvertAll(Expanded)));
    }

    private DefinitionList ReadTerms(List<string> lines)
    {
        var terms = new List<(string Term, List<string> Text)>();
        foreach (string line in lines)
        {
            if (s_term.Match(line) is { Success: true } match)
            {
                terms.Add((match.Groups[1].Value, [match.Groups[2].Value]));
            }
            else
            {
                terms[^1].Text.Add(line);
            }
        }

        return new DefinitionList(terms.ConvertAll(t => new Definition(TermOf(t.Term), [TextOf(t.Text)])));
    }

    private IReadOnlyList<Inline> TermOf(string term)
    {
        List<Inline> inlines = inlineText.Parse(term);
        return inlines.Count == 1 && inlines[0].Kind != InlineKind.Text ? inlines : [Inline.Literal(term)];
    }

    private Preformatted ReadAligned() => new(Unindented(ReadWhile(l => l[0] is ' ')));

    private List<string> ReadWhile(Predicate<string> isPart)
    {
        var part = new List<string>();
        for (; _at < _lines.Count; _at++)
        {
            string line = _lines[_at];
            bool isInside = line.Length == 0 ? _at + 1 < _lines.Count && _lines[_at + 1].Length != 0 && isPart(_lines[_at + 1]) : isPart(line);
            if (!isInside)
            {
                break;
            }

            part.Add(line);
        }

        return part;
    }

    /// <summary>As in the header, where " *" is before the line.</summary>
    private static string Expanded(string line)
    {
        var text = new System.Text.StringBuilder("  ");
        foreach (char c in line)
        {
            text.Append(c == '\t' ? new string(' ', 8 - (text.Length % 8)) : c);
        }

        return text.ToString()[2..];
    }

    private static string Unindented(List<string> lines)
    {
        int indent = lines.Where(l => l.Length != 0).Min(IndentOf);
        return string.Join('\n', lines.Select(l => l.Length == 0 ? l : l[indent..]));
    }
}
