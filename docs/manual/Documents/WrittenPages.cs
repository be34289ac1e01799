using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Documents;

/// <summary>The pages of section 7: docs/man/NAME.7.md, whose title is the summary.</summary>
internal static class WrittenPages
{
    private const string Section = "7";

    public static IEnumerable<Page> Create(PageIndex index, string folder)
    {
        var markdown = new MarkdownText(index);
        foreach (string path in Directory.GetFiles(folder, $"*.{Section}.md").Order())
        {
            string name = Path.GetFileName(path)[..^$".{Section}.md".Length];
            MarkdownDocument document = MarkdownDocument.Read(path);
            var page = new Page([name], Section, char.ToLowerInvariant(document.Title[0]) + document.Title[1..], "Overview");
            foreach ((string heading, IReadOnlyList<Markdig.Syntax.Block> blocks) in document.Sections())
            {
                page.Add(heading.ToUpperInvariant(), [.. blocks.SelectMany(markdown.Convert)]);
            }

            yield return page;
        }
    }
}
