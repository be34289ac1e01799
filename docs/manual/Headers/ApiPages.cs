using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Headers;

/// <summary>The pages of section 3: one for each declaration that has a comment, and one for each header.</summary>
internal sealed class ApiPages
{
    private const string Section = "3";

    private readonly IReadOnlyList<HeaderFile> _headers;
    private readonly Dictionary<string, string> _nodes;
    private readonly IReadOnlyList<Example> _examples;
    private readonly PageIndex _index;
    private readonly CommentText _text;

    /// <summary>For names of the kernel, which may be those of functions here.</summary>
    private readonly CommentText _kernelText = new(new InlineText(new PageIndex()));

    /// <summary>The declaration on whose page a constant is described.</summary>
    private readonly Dictionary<Declaration, Declaration> _homes = [];

    /// <param name="headers">The public headers.</param>
    /// <param name="nodes">The version nodes of exported symbols.</param>
    /// <param name="examples">Programs that call functions.</param>
    /// <param name="index">Gets the names.</param>
    public ApiPages(IReadOnlyList<HeaderFile> headers, Dictionary<string, string> nodes, IReadOnlyList<Example> examples, PageIndex index)
    {
        _headers = headers;
        _nodes = nodes;
        _examples = examples;
        _index = index;
        _text = new CommentText(new InlineText(index));
        foreach (HeaderFile header in headers)
        {
            FindHomes(header);
            AddNames(header);
        }

        string[] undocumented = [.. headers.SelectMany(h => h.Undocumented).Concat(nodes.Keys).Distinct().Where(n => index.Find(n) == null)];
        if (undocumented.Length != 0)
        {
            throw new FormatException($"no comment in include/ftrace describes {string.Join(", ", undocumented)}; it begins with \"/**\" and \"NAME - SUMMARY\"");
        }
    }

    public IEnumerable<Page> Create() => _headers.SelectMany(h => h.Declarations.Where(HasPage).Select(d => PageOf(h, d)).Prepend(PageOf(h)));

    private static bool HasPage(Declaration declaration) => declaration.Kind != DeclarationKind.Constant;

    /// <summary>A constant is described with what its values are for: where "FTRACE_X_*" stands, or else on the page of the header.</summary>
    private void FindHomes(HeaderFile header)
    {
        foreach (Declaration constant in header.Declarations.Where(d => !HasPage(d)))
        {
            var candidates =
                from declaration in header.Declarations.Where(HasPage)
                from parameter in declaration.Comment.Parameters
                from Match match in Regex.Matches(string.Join(' ', parameter.Lines), @"\b(FTRACE_[A-Z_]+_)\*")
                where constant.Name.StartsWith(match.Groups[1].Value, StringComparison.Ordinal)
                orderby match.Length descending
                select (Prefix: match.Groups[1].Value, Home: declaration);
            if (candidates.FirstOrDefault() is { Home: not null } found)
            {
                _homes.Add(constant, found.Home);
                _index.Add(found.Prefix + "*", found.Home.Name, Section);
            }
        }
    }

    private void AddNames(HeaderFile header)
    {
        _index.Add(header.Name, header.PageName, Section);
        foreach (Declaration declaration in header.Declarations)
        {
            string page = HasPage(declaration) ? declaration.Name : _homes.GetValueOrDefault(declaration)?.Name ?? header.PageName;
            foreach (string name in declaration.Names)
            {
                _index.Add(name, page, Section);
                if (declaration.Keyword.Length != 0)
                {
                    _index.Add(declaration.Keyword + name, page, Section);
                }
            }

            if (declaration.Keyword == "enum ")
            {
                foreach ((string value, _) in declaration.Comment.Parameters)
                {
                    _index.Add(value, page, Section);
                }
            }
        }
    }

    private Page PageOf(HeaderFile header)
    {
        var page = new Page(header.Name == "ftrace.h" ? [header.PageName, "ftrace_ftrace.h"] : [header.PageName], Section, header.Summary, $"ftrace/{header.Name}");
        page.Add("SYNOPSIS", [new Preformatted(Include(header), IsSynopsis: true)]);
        page.Add("DESCRIPTION", _text.Parse(header.Overview.Body));
        page.Add("FUNCTIONS", Summaries(header, DeclarationKind.Function));
        page.Add("MACROS", Summaries(header, DeclarationKind.Macro));
        page.Add("TYPES", Summaries(header, DeclarationKind.Type));
        page.Add("OBJECTS", Summaries(header, DeclarationKind.Object));
        page.Add("CONSTANTS", Constants(header.Declarations.Where(d => !HasPage(d) && !_homes.ContainsKey(d))));
        page.Add("HISTORY", HistoryOf(header.Overview));
        AddSeeAlso(page, header);
        return page;
    }

    private Page PageOf(HeaderFile header, Declaration declaration)
    {
        DocComment comment = declaration.Comment;
        Declaration[] constants = [.. header.Declarations.Where(d => _homes.GetValueOrDefault(d) == declaration)];
        var page = new Page([.. declaration.Names, .. constants.Select(c => c.Name)], Section, comment.Summary, $"ftrace/{header.Name}");
        page.Add("SYNOPSIS", [new Preformatted($"{Include(header)}\n\n{declaration.Code}", IsSynopsis: true)]);

        List<Block> description = _text.Parse(comment.Body);
        if (comment.Parameters.Count != 0)
        {
            description.Insert(0, Parameters(comment));
        }

        if (description.Count == 0)
        {
            description.Add(new Paragraph([Inline.Of(char.ToUpperInvariant(comment.Summary[0]) + comment.Summary[1..] + ".")]));
        }

        foreach (Declaration type in TypesOf(declaration))
        {
            description.Add(new Subheading((type.Keyword + type.Name).Trim()));
            description.Add(new Preformatted(type.Code));
            description.Add(Parameters(type.Comment));
            description.Add(new Paragraph([Inline.Of("More is on the page "), Inline.Reference(type.Name, Section), Inline.Of(".")]));
        }

        page.Add("DESCRIPTION", description);
        page.Add("CONSTANTS", Constants(constants));
        AddResult(page, comment);
        page.Add("ATTRIBUTES", AttributesOf(comment));
        page.Add("VERSIONS", VersionsOf(declaration));
        page.Add("HISTORY", HistoryOf(comment));
        page.Add("EXAMPLES", ExamplesOf(declaration));
        AddSeeAlso(page, header);
        return page;
    }

    private static string Include(HeaderFile header) => $"#include <ftrace/{header.Name}>";

    private DefinitionList Parameters(DocComment comment) => new(
        [.. comment.Parameters.Select(p => new Definition([Inline.Variable(p.Name)], [new Paragraph(Sentence(_text.ParseInline(p.Lines)))]))]);

    private List<Block> Constants(IEnumerable<Declaration> constants)
    {
        List<Definition> definitions = [];
        foreach (Declaration constant in constants)
        {
            List<Block> text = _text.Parse(constant.Comment.Body);
            if (constant.Comment.Source.Count != 0)
            {
                text.Add(new Paragraph([Inline.Of("In the kernel: "), .. _kernelText.ParseInline(constant.Comment.Source)]));
            }

            if (text.Count == 0)
            {
                text.Add(new Paragraph(Sentence(_text.ParseInline([constant.Comment.Summary]))));
            }

            definitions.Add(new Definition(Listed(constant.Names.Select(Inline.Literal)), text));
        }

        return definitions.Count == 0 ? [] : [new DefinitionList(definitions)];
    }

    private List<Block> Summaries(HeaderFile header, DeclarationKind kind)
    {
        List<Definition> definitions =
        [
            .. from declaration in header.Declarations
            where declaration.Kind == kind
            select new Definition(
                Listed(declaration.Names.Select(n => new Inline(InlineKind.Reference, n, $"{declaration.Name}.{Section}"))),
                [new Paragraph(Sentence(_text.ParseInline([declaration.Comment.Summary])))]),
        ];
        return definitions.Count == 0 ? [] : [new DefinitionList(definitions)];
    }

    /// <summary>The structures and handlers that a function takes: their fields.</summary>
    private IEnumerable<Declaration> TypesOf(Declaration declaration) =>
        declaration.Kind != DeclarationKind.Function
            ? []
            : from type in _headers.SelectMany(h => h.Declarations)
              where type.Kind == DeclarationKind.Type && type.Keyword != "enum " && type.Comment.Parameters.Count != 0
                  && Regex.IsMatch(declaration.Code, $@"{type.Keyword}\b{type.Name}\b")
              select type;

    private void AddResult(Page page, DocComment comment)
    {
        List<Block> blocks = _text.Parse(comment.Returns);
        int errors = blocks.FindIndex(b => b is DefinitionList);
        if (errors < 0)
        {
            page.Add("RETURN VALUE", blocks);
            return;
        }

        string last = Regex.Replace(comment.Returns.TakeWhile(l => l.Length != 0 && l[0] != ' ').LastOrDefault() ?? "", @",? or$", "");
        string[] lines = [.. comment.Returns.TakeWhile(l => l.Length != 0 && l[0] != ' ')];
        lines[^1] = last + " or a negative error number: see ERRORS.";
        page.Add("RETURN VALUE", _text.Parse(lines));
        page.Add("ERRORS", [.. blocks[errors..].Select(Sentences)]);
    }

    private static Block Sentences(Block block) => block switch
    {
        DefinitionList list => new DefinitionList([.. list.Items.Select(d => d with { Text = [.. d.Text.Select(Sentences)] })]),
        Paragraph paragraph => new Paragraph(Sentence([.. paragraph.Text])),
        _ => block,
    };

    /// <summary>In the words of attributes(7), and of the headers.</summary>
    private List<Block> AttributesOf(DocComment comment)
    {
        string context = string.Join(' ', comment.Context.TakeWhile(l => l.Length != 0));
        if (context.Length == 0)
        {
            return [];
        }

        bool isThread = context.StartsWith("thread", StringComparison.Ordinal);
        string words = Regex.Replace(context, @"^thread\b", "ordinary code on any thread");
        words = Regex.Replace(words, @"^any\b", "any code, signal handlers included");
        words = words.Replace(", stop window", "; the function that ftrace_stop_machine() runs", StringComparison.Ordinal);
        return
        [
            new DefinitionList(
            [
                new Definition([Inline.Of("Context")], [new Paragraph(Sentence(_text.ParseInline([words])))]),
                new Definition([Inline.Of("Thread safety")], [new Paragraph([Inline.Of("MT-Safe")])]),
                new Definition([Inline.Of("Signal safety")], [new Paragraph([Inline.Of(isThread ? "AS-Unsafe" : "AS-Safe")])]),
            ]),
        ];
    }

    private List<Block> VersionsOf(Declaration declaration)
    {
        string? name = declaration.Names.FirstOrDefault(_nodes.ContainsKey);
        if (name == null)
        {
            return [];
        }

        string node = _nodes[name];
        string version = node["FTRACE_".Length..];
        return [new Paragraph([Inline.Of($"libftrace {(version.Contains('.', StringComparison.Ordinal) ? version : version + ".0")}; symbol version "), Inline.Literal(node), Inline.Of(".")])];
    }

    private List<Block> HistoryOf(DocComment comment) =>
        comment.Source.Count == 0
            ? []
            : [new Paragraph(Sentence([Inline.Of("In the Linux kernel: "), .. _kernelText.ParseInline(comment.Source)]))];

    /// <summary>The shortest program that calls it.</summary>
    private List<Block> ExamplesOf(Declaration declaration)
    {
        Example? example = declaration.Kind == DeclarationKind.Function || declaration.Kind == DeclarationKind.Macro
            ? _examples.Where(e => Regex.IsMatch(e.Text, $@"\b{declaration.Name}\(")).OrderBy(e => e.Text.Length).FirstOrDefault()
            : null;
        return example == null ? [] : [new Preformatted(example.Text)];
    }

    private void AddSeeAlso(Page page, HeaderFile header)
    {
        string[] related =
        [
            .. page.Inlines.Where(i => i.Kind == InlineKind.Reference && i.Target!.EndsWith($".{Section}", StringComparison.Ordinal) && _index.Names.Contains(i.Text))
                .Select(i => i.Target![..^2]).Append(header.PageName).Append("libftrace").Distinct().Where(n => !page.Names.Contains(n)).Order(StringComparer.Ordinal),
        ];
        page.Add("SEE ALSO", [new Paragraph(Listed(related.Select(n => Inline.Reference(n, Section)).Append(Inline.Reference("ftrace", "7"))))]);
    }

    /// <summary>With commas.</summary>
    private static List<Inline> Listed(IEnumerable<Inline> inlines) => [.. inlines.SelectMany((inline, i) => i == 0 ? (Inline[])[inline] : [Inline.Of(", "), inline])];

    /// <summary>With an upper-case letter at the beginning and a full stop at the end.</summary>
    private static List<Inline> Sentence(List<Inline> text)
    {
        if (text.Count != 0 && text[0].Kind == InlineKind.Text && Regex.IsMatch(text[0].Text, @"^[a-z]+([ ,;:.]|$)"))
        {
            text[0] = text[0] with { Text = char.ToUpperInvariant(text[0].Text[0]) + text[0].Text[1..] };
        }

        if (text.Count != 0 && !text[^1].Text.EndsWith('.'))
        {
            text.Add(Inline.Of("."));
        }

        return text;
    }
}
