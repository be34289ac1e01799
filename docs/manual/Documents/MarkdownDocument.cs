using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Ftrace.Manual.Documents;

/// <summary>A Markdown file.</summary>
internal sealed class MarkdownDocument
{
    public static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).Build();

    private readonly string _path;

    private MarkdownDocument(string path)
    {
        _path = path;
        Syntax = Markdown.Parse(File.ReadAllText(path), Pipeline);
    }

    public Markdig.Syntax.MarkdownDocument Syntax { get; }

    /// <summary>The first heading.</summary>
    public string Title => TextOf(Syntax.OfType<HeadingBlock>().First());

    public static MarkdownDocument Read(string path) => new(path);

    public static string TextOf(HeadingBlock heading) => string.Concat(heading.Inline!.Descendants().Select(i => i switch
    {
        LiteralInline literal => literal.Content.ToString(),
        CodeInline code => code.Content,
        _ => "",
    }));

    /// <summary>
    /// The second-level sections, and what they have. A paragraph that is only a link to a heading of another document stands for what
    /// is there, up to the next heading.
    /// </summary>
    public IEnumerable<(string Heading, IReadOnlyList<Block> Blocks)> Sections()
    {
        string? heading = null;
        var blocks = new List<Block>();
        foreach (Block block in Syntax)
        {
            if (block is HeadingBlock { Level: <= 2 } next)
            {
                if (heading != null)
                {
                    yield return (heading, blocks);
                }

                heading = next.Level == 2 ? TextOf(next) : null;
                blocks = [];
            }
            else
            {
                blocks.AddRange(IncludedBy(block) ?? [block]);
            }
        }

        if (heading != null)
        {
            yield return (heading, blocks);
        }
    }

    private IReadOnlyList<Block>? IncludedBy(Block block)
    {
        if (block is not ParagraphBlock { Inline: { } inline } || inline.FirstChild is not LinkInline { NextSibling: null, Url: { } url } || !url.Contains(".md#", StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = url.Split('#', 2);
        return Read(Path.Combine(Path.GetDirectoryName(_path)!, parts[0])).Below(parts[1]);
    }

    private List<Block> Below(string anchor)
    {
        List<Block> blocks = [.. Syntax.SkipWhile(b => b is not HeadingBlock || b.GetAttributes().Id != anchor).Skip(1).TakeWhile(b => b is not HeadingBlock)];
        return blocks.Count != 0 ? blocks : throw new FormatException($"{_path}: has no text below #{anchor}");
    }
}
