using System;
using System.Collections.Generic;
using System.Linq;
using Ftrace.Manual.Model;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Block = Ftrace.Manual.Model.Block;
using Inline = Ftrace.Manual.Model.Inline;
using MarkdigBlock = Markdig.Syntax.Block;
using MarkdigInline = Markdig.Syntax.Inlines.Inline;
using MarkdigTable = Markdig.Extensions.Tables.Table;
using Table = Ftrace.Manual.Model.Table;

namespace Ftrace.Manual.Documents;

/// <summary>Markdown as blocks of a page.</summary>
internal sealed class MarkdownText(PageIndex index)
{
    private readonly InlineText _inlineText = new(index);

    public IEnumerable<Block> Convert(MarkdigBlock block)
    {
        switch (block)
        {
            case HeadingBlock heading:
                yield return new Subheading(string.Concat(Inlines(heading.Inline).Select(i => i.Text)));
                break;
            case ParagraphBlock paragraph:
                yield return new Paragraph(Inlines(paragraph.Inline));
                break;
            case FencedCodeBlock code:
                yield return new Preformatted(code.Lines.ToString().TrimEnd());
                break;
            case ListBlock list:
                yield return new ItemList(list.IsOrdered, [.. list.Cast<ListItemBlock>().Select(i => (IReadOnlyList<Block>)[.. i.SelectMany(Convert)])]);
                break;
            case MarkdigTable table when !IsOptions(table):
                yield return Convert(table);
                break;
        }
    }

    /// <summary>The page has them from the command itself.</summary>
    private bool IsOptions(MarkdigTable table) => TextOf(Cells((TableRow)table[0])[0]) == "option";

    private static string TextOf(IReadOnlyList<Inline> inlines) => string.Concat(inlines.Select(i => i.Text));

    /// <summary>Two columns are a list of terms.</summary>
    private Block Convert(MarkdigTable table)
    {
        List<List<IReadOnlyList<Inline>>> rows = [.. table.Cast<TableRow>().Select(Cells)];
        return rows[0].Count == 2
            ? new DefinitionList([.. rows.Skip(1).Select(r => new Definition(r[0], [new Paragraph(r[1])]))])
            : new Table(rows);
    }

    private List<IReadOnlyList<Inline>> Cells(TableRow row) => [.. row.Cast<TableCell>().Select(c => Inlines((c.FirstOrDefault() as ParagraphBlock)?.Inline))];

    private List<Inline> Inlines(ContainerInline? container) => container == null ? [] : [.. container.SelectMany(Convert)];

    private IEnumerable<Inline> Convert(MarkdigInline inline) => inline switch
    {
        LiteralInline literal => _inlineText.Parse(literal.Content.ToString()),
        CodeInline code => [_inlineText.ParseCode(code.Content)],
        LineBreakInline => [Inline.Of(" ")],
        EmphasisInline emphasis => [Inline.Variable(TextOf(Inlines(emphasis)))],
        AutolinkInline link => [new Inline(InlineKind.Link, link.Url, link.Url)],
        LinkInline link => [Convert(link)],
        HtmlEntityInline entity => [Inline.Of(entity.Transcoded.ToString())],
        _ => [],
    };

    /// <summary>A header is a page, and a document is in the HTML reference.</summary>
    private Inline Convert(LinkInline link)
    {
        string text = TextOf(Inlines(link));
        string url = link.Url ?? "";
        if (url.Contains("://", StringComparison.Ordinal))
        {
            return new Inline(InlineKind.Link, text, url);
        }

        string path = url.Split('#')[0];
        string file = path[(path.LastIndexOf('/') + 1)..];
        if (file.EndsWith(".h", StringComparison.Ordinal) && index.Find(file) is { } target)
        {
            return new Inline(InlineKind.Reference, target[..target.LastIndexOf('.')], target);
        }

        string document = url.Replace("../", "", StringComparison.Ordinal);
        return file.EndsWith(".md", StringComparison.Ordinal) && !document.Contains('/', StringComparison.Ordinal) && file is not ("README.md" or "CHANGELOG.md" or "CONTRIBUTING.md")
            ? new Inline(InlineKind.Document, text, document)
            : Inline.Of(text);
    }
}
