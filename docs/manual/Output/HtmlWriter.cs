using System;
using System.Collections.Generic;
using System.Net;
using System.Text;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Output;

/// <summary>Writes a page as HTML. It refers to nothing but the other files of the reference.</summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _text = new();
    private readonly IReadOnlySet<string> _files;

    private HtmlWriter(IReadOnlySet<string> files) => _files = files;

    /// <summary>The name of a page's file.</summary>
    public static string FileOf(string name, string section) => $"{name}.{section}.html";

    /// <param name="page">The page.</param>
    /// <param name="version">Of the library.</param>
    /// <param name="files">The names of all files of pages: what is not one of them gets no link.</param>
    public static string Write(Page page, string version, IReadOnlySet<string> files)
    {
        var writer = new HtmlWriter(files);
        writer.Sections(page);
        return HtmlFrame.Write($"{page.Name}({page.Section})", page.Summary, version, "", writer._text.ToString());
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private void Sections(Page page)
    {
        _text.Append($"<h1>{Encode(string.Join(", ", page.Names))}</h1>\n<p class=\"summary\">{Encode(page.Summary)}</p>\n");
        foreach (PageSection section in page.Sections)
        {
            _text.Append($"<h2 id=\"{Anchor(section.Heading)}\">{Encode(Title(section.Heading))}</h2>\n");
            Blocks(section.Blocks);
        }
    }

    private static string Anchor(string heading) => heading.ToLowerInvariant().Replace(' ', '-');

    /// <summary>DESCRIPTION as Description.</summary>
    private static string Title(string heading) => heading[..1] + heading[1..].ToLowerInvariant();

    private void Blocks(IReadOnlyList<Block> blocks)
    {
        foreach (Block block in blocks)
        {
            Block(block);
        }
    }

    private void Block(Block block)
    {
        switch (block)
        {
            case Paragraph paragraph:
                _text.Append("<p>");
                Inlines(paragraph.Text);
                _text.Append("</p>\n");
                break;
            case Subheading heading:
                _text.Append($"<h3>{Encode(heading.Text)}</h3>\n");
                break;
            case Preformatted code:
                _text.Append($"<pre><code>{Encode(code.Text)}</code></pre>\n");
                break;
            case ItemList list:
                string tag = list.IsNumbered ? "ol" : "ul";
                _text.Append($"<{tag}>\n");
                foreach (IReadOnlyList<Block> item in list.Items)
                {
                    _text.Append("<li>");
                    Item(item);
                    _text.Append("</li>\n");
                }

                _text.Append($"</{tag}>\n");
                break;
            case DefinitionList list:
                _text.Append("<dl>\n");
                foreach (Definition definition in list.Items)
                {
                    _text.Append("<dt>");
                    Inlines(definition.Term);
                    _text.Append("</dt>\n<dd>");
                    Item(definition.Text);
                    _text.Append("</dd>\n");
                }

                _text.Append("</dl>\n");
                break;
            case Table table:
                Rows(table);
                break;
        }
    }

    /// <summary>A paragraph that is alone needs no element of its own.</summary>
    private void Item(IReadOnlyList<Block> blocks)
    {
        if (blocks is [Paragraph only])
        {
            Inlines(only.Text);
            return;
        }

        Blocks(blocks);
    }

    private void Rows(Table table)
    {
        _text.Append("<table>\n");
        for (int i = 0; i < table.Rows.Count; i++)
        {
            string tag = i == 0 ? "th" : "td";
            _text.Append("<tr>");
            foreach (IReadOnlyList<Inline> cell in table.Rows[i])
            {
                _text.Append($"<{tag}>");
                Inlines(cell);
                _text.Append($"</{tag}>");
            }

            _text.Append("</tr>\n");
        }

        _text.Append("</table>\n");
    }

    private void Inlines(IReadOnlyList<Inline> inlines)
    {
        foreach (Inline inline in inlines)
        {
            _text.Append(Of(inline));
        }
    }

    private string Of(Inline inline)
    {
        string text = Encode(inline.Text);
        return inline.Kind switch
        {
            InlineKind.Literal => $"<code>{text}</code>",
            InlineKind.Variable => $"<em>{text}</em>",
            InlineKind.Mention => Linked($"<code>{text}</code>", inline.Target!),
            InlineKind.Reference => Linked($"{text}({inline.Target![(inline.Target!.LastIndexOf('.') + 1)..]})", inline.Target!),
            InlineKind.Document => $"<a href=\"docs/{Encode(inline.Target!.Replace(".md", ".html", StringComparison.Ordinal))}\">{text}</a>",
            InlineKind.Link => $"<a href=\"{Encode(inline.Target!)}\">{text}</a>",
            _ => text,
        };
    }

    private string Linked(string html, string target)
    {
        string file = target + ".html";
        return _files.Contains(file) ? $"<a href=\"{Encode(file)}\">{html}</a>" : html;
    }
}
