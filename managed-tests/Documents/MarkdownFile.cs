using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace Ftrace.Tests.Documents;

/// <summary>What a Markdown file has of anchors, links, blocks and code spans. As much of Markdown as the documents use.</summary>
internal sealed class MarkdownFile
{
    private static readonly Regex s_heading = new("^#{1,6} +(.*?) *#*$");
    private static readonly Regex s_span = new("`([^`]+)`");
    private static readonly Regex s_link = new(@"\]\(([^()\s]+)\)");
    private static readonly Regex s_definition = new(@"^\[([^\]]+)\]: *(\S+)");
    private static readonly Regex s_linkText = new(@"!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])");

    private readonly List<MarkdownLink> _links = [];
    private readonly List<MarkdownLink> _spans = [];
    private readonly List<MarkdownBlock> _blocks = [];
    private readonly List<int> _indented = [];
    private readonly HashSet<string> _anchors = [];

    public MarkdownFile(string text)
    {
        string[] lines = text.Split('\n');
        bool inside = false;
        bool afterBlank = true;
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                if (!inside)
                {
                    _blocks.Add(new MarkdownBlock(i + 1, line[3..].Trim()));
                }

                inside = !inside;
            }
            else if (!inside)
            {
                AddLine(line, i + 1, afterBlank);
            }

            afterBlank = line.Trim().Length == 0;
        }

        IsComplete = !inside;
    }

    /// <summary>Every fence has its end.</summary>
    public bool IsComplete { get; }

    public IReadOnlyList<MarkdownLink> Links => _links;

    /// <summary>Texts between backquotes, outside of blocks.</summary>
    public IReadOnlyList<MarkdownLink> Spans => _spans;

    public IReadOnlyList<MarkdownBlock> Blocks => _blocks;

    /// <summary>Lines that begin a block by being indented.</summary>
    public IReadOnlyList<int> Indented => _indented;

    public IReadOnlySet<string> Anchors => _anchors;

    /// <summary>The anchor that GitHub gives a heading.</summary>
    public static string AnchorOf(string heading)
    {
        var anchor = new StringBuilder();
        foreach (char c in s_linkText.Replace(heading, "$1").ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(c) || c is '-' or '_')
            {
                anchor.Append(c);
            }
            else if (c == ' ')
            {
                anchor.Append('-');
            }
        }

        return anchor.ToString();
    }

    private void AddLine(string line, int number, bool afterBlank)
    {
        if (afterBlank && (line.StartsWith("    ", StringComparison.Ordinal) || line.StartsWith('\t')))
        {
            _indented.Add(number);
        }

        Match heading = s_heading.Match(line);
        if (heading.Success)
        {
            AddAnchor(AnchorOf(heading.Groups[1].Value));
        }

        _spans.AddRange(s_span.Matches(line).Select(m => new MarkdownLink(number, m.Groups[1].Value)));
        string outside = s_span.Replace(line, "");
        _links.AddRange(s_link.Matches(outside).Select(m => new MarkdownLink(number, m.Groups[1].Value)));
        Match definition = s_definition.Match(outside);
        if (definition.Success)
        {
            _links.Add(new MarkdownLink(number, definition.Groups[2].Value));
        }
    }

    private void AddAnchor(string anchor)
    {
        string unique = anchor;
        for (int i = 1; !_anchors.Add(unique); i++)
        {
            unique = $"{anchor}-{i}";
        }
    }
}
