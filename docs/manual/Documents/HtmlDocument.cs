using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Manual.Model;
using Ftrace.Manual.Output;
using Markdig;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Ftrace.Manual.Documents;

/// <summary>A document of the project as a page of the HTML reference.</summary>
internal static class HtmlDocument
{
    /// <param name="document">Below docs/.</param>
    /// <param name="index">The pages that links to headers lead to.</param>
    /// <param name="version">Of the library.</param>
    /// <param name="files">The files that are in the folder of the documents; other links become text.</param>
    public static string Write(MarkdownDocument document, PageIndex index, string version, IReadOnlySet<string> files)
    {
        foreach (LinkInline link in document.Syntax.Descendants<LinkInline>().ToArray())
        {
            if (TargetOf(link.Url ?? "", index, files) is { } target)
            {
                link.Url = target;
            }
            else
            {
                link.ReplaceBy(new EmphasisInline { DelimiterChar = '*', DelimiterCount = 1 }, copyChildren: true);
            }
        }

        return HtmlFrame.Write(document.Title, document.Title, version, "../", document.Syntax.ToHtml(MarkdownDocument.Pipeline));
    }

    private static string? TargetOf(string url, PageIndex index, IReadOnlySet<string> files)
    {
        if (url.Contains("://", StringComparison.Ordinal) || url.StartsWith('#'))
        {
            return url;
        }

        string[] parts = url.Split('#', 2);
        string file = Path.GetFileName(parts[0]);
        if (parts[0].Contains("include/ftrace/", StringComparison.Ordinal) && index.Find(file) is { } page)
        {
            return $"../{page}.html";
        }

        string html = file.Replace(".md", ".html", StringComparison.Ordinal);
        return files.Contains(html) && !parts[0].Contains("..", StringComparison.Ordinal) ? html + (parts.Length == 2 ? "#" + parts[1] : "") : null;
    }
}
