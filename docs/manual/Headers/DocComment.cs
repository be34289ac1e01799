using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace Ftrace.Manual.Headers;

/// <summary>The text of a comment in the manner of kernel-doc, in its parts.</summary>
internal sealed class DocComment
{
    private static readonly Regex s_parameter = new(@"^@(\w+): *(.*)$");
    private static readonly Regex s_tag = new(@"^(Context|Source): *(.*)$");

    private readonly List<string> _body = [];
    private readonly List<string> _returns = [];
    private readonly List<string> _context = [];
    private readonly List<string> _source = [];
    private readonly List<(string Name, List<string> Lines)> _parameters = [];

    /// <param name="lines">Without the margin of the comment.</param>
    /// <param name="hasTitle">True: it begins with "name, name - summary", false: it is text only.</param>
    public DocComment(IReadOnlyList<string> lines, bool hasTitle)
    {
        int at = hasTitle ? ReadTitle(lines) : 0;
        at = ReadParameters(lines, at);
        ReadBody(lines, at);
    }

    public IReadOnlyList<string> Names { get; private set; } = [];

    public string Summary { get; private set; } = "";

    public IReadOnlyList<(string Name, List<string> Lines)> Parameters => _parameters;

    public IReadOnlyList<string> Body => _body;

    /// <summary>From "Returns" on.</summary>
    public IReadOnlyList<string> Returns => _returns;

    public IReadOnlyList<string> Context => _context;

    public IReadOnlyList<string> Source => _source;

    private int ReadTitle(IReadOnlyList<string> lines)
    {
        int at = 0;
        var title = new List<string>();
        while (at < lines.Count && lines[at].Length != 0 && lines[at][0] != '@')
        {
            title.Add(lines[at++].Trim());
        }

        string[] parts = string.Join(' ', title).Split(" - ", 2);
        if (parts.Length != 2)
        {
            throw new FormatException($"the comment does not begin with \"NAME - SUMMARY\": {parts[0]}");
        }

        Names = [.. parts[0].Split(',', StringSplitOptions.TrimEntries)];
        Summary = parts[1].TrimEnd('.');
        return at;
    }

    private int ReadParameters(IReadOnlyList<string> lines, int at)
    {
        for (; at < lines.Count; at++)
        {
            Match match = s_parameter.Match(lines[at]);
            if (match.Success)
            {
                _parameters.Add((match.Groups[1].Value, [match.Groups[2].Value]));
            }
            else if (_parameters.Count != 0 && lines[at].Length != 0 && char.IsWhiteSpace(lines[at][0]))
            {
                _parameters[^1].Lines.Add(lines[at].Trim());
            }
            else
            {
                break;
            }
        }

        return at;
    }

    private void ReadBody(IReadOnlyList<string> lines, int at)
    {
        List<string> part = _body;
        foreach (string line in lines.Skip(at))
        {
            Match tag = s_tag.Match(line);
            if (tag.Success)
            {
                part = tag.Groups[1].Value == "Context" ? _context : _source;
                part.Add(tag.Groups[2].Value);
            }
            else if (line.StartsWith("Returns ", StringComparison.Ordinal) && (part.Count == 0 || part[^1].Length == 0))
            {
                part = _returns;
                part.Add(line);
            }
            else
            {
                part.Add(line);
            }
        }
    }
}
