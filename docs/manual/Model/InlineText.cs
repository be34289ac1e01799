using System.Collections.Generic;
using System.Text.RegularExpressions;

namespace Ftrace.Manual.Model;

/// <summary>Finds in a plain text, as comments have it, what is set in another font or leads to another page.</summary>
internal sealed class InlineText(PageIndex index)
{
    private static readonly Regex s_markup = new("""
        `(?<code>[^`]+)`
        |(?<link>https?://[^\s)>]+[\w/])
        |(?<variable>(?<![\w@])@\w+(?:->\w+)?)
        |(?<document>\bdocs/[\w-]+\.md)
        |(?<header><?\bftrace/(?<file>[\w-]+\.h)>?)
        |(?<=\#\w*)\w+
        |(?<type>\b(?:struct|enum)\ ftrace_\w+)
        |(?<page>\b\w+)\((?<section>[1-8])\)
        |(?<call>\b\w+)\(\)
        |(?<error>-E[A-Z0-9]{2,}\b)
        |(?<constant>\b(?:FTRACE|PR|CAP|SA|MAP|CLONE|SO|KVM|AF|SOCK|RLIMIT|GLIBC|LD|LC|NO|AT|CLOCK)_[A-Z0-9_]+\*?|\bSIG[A-Z0-9]{2,}\b|\b(?!ERRORS\b)E[A-Z]{4,}\b)
        |(?<name>\b_*ftrace_\w+\b(?!\.))
        |(?<option>(?<![\w-])--?[a-z][\w-]*(?:=[\w,.:]+)?)
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture);

    public List<Inline> Parse(string text)
    {
        var inlines = new List<Inline>();
        int end = 0;
        foreach (Match match in s_markup.Matches(text))
        {
            if (match.Index > end)
            {
                inlines.Add(Inline.Of(text[end..match.Index]));
            }

            inlines.AddRange(Of(match));
            end = match.Index + match.Length;
        }

        if (end < text.Length)
        {
            inlines.Add(Inline.Of(text[end..]));
        }

        return inlines;
    }

    /// <summary>Code within a text: a name that has a page leads there.</summary>
    public Inline ParseCode(string code)
    {
        if (Regex.Match(code, @"^([\w.-]+)\(([1-8])\)$") is { Success: true } page)
        {
            return Inline.Reference(page.Groups[1].Value, page.Groups[2].Value);
        }

        if (Regex.Match(code, @"^(\w+)\(\)$") is { Success: true } call)
        {
            return Call(call.Groups[1].Value);
        }

        return index.Find(code) is { } target ? new Inline(InlineKind.Mention, code, target) : Inline.Literal(code);
    }

    private IEnumerable<Inline> Of(Match match)
    {
        foreach (string kind in (string[])["code", "link", "variable", "document", "header", "type", "page", "call", "error", "constant", "name", "option"])
        {
            Group group = match.Groups[kind];
            if (group.Success)
            {
                return [Of(kind, group.Value, match)];
            }
        }

        return [Inline.Of(match.Value)];
    }

    private Inline Of(string kind, string text, Match match) => kind switch
    {
        "code" => ParseCode(text),
        "link" => new Inline(InlineKind.Link, text, text),
        "variable" => Inline.Variable(text[1..]),
        "document" => new Inline(InlineKind.Document, text, text["docs/".Length..]),
        "header" => index.Find(match.Groups["file"].Value) is { } target ? PageReference(target) : Inline.Literal(text),
        "type" => index.Find(text) is { } target ? new Inline(InlineKind.Mention, text, target) : Inline.Variable(text),
        "page" => Inline.Reference(text, match.Groups["section"].Value),
        "call" => Call(text),
        "constant" or "name" => index.Find(text) is { } target ? new Inline(InlineKind.Mention, text, target) : Inline.Literal(text),
        _ => Inline.Literal(text),
    };

    private Inline Call(string name) =>
        index.Find(name) is { } target ? new Inline(InlineKind.Reference, name, target) : Inline.Literal(name + "()");

    private static Inline PageReference(string target)
    {
        int dot = target.LastIndexOf('.');
        return new Inline(InlineKind.Reference, target[..dot], target);
    }
}
