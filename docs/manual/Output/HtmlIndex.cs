using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Text;
using Ftrace.Manual.Model;

namespace Ftrace.Manual.Output;

/// <summary>The page that lists all others.</summary>
internal static class HtmlIndex
{
    /// <param name="pages">In the order of their groups.</param>
    /// <param name="documents">Names of files in docs/, and titles.</param>
    /// <param name="version">Of the library.</param>
    public static string Write(IReadOnlyList<Page> pages, IReadOnlyList<(string File, string Title)> documents, string version)
    {
        var text = new StringBuilder("<h1>libftrace</h1>\n<p>What this page lists is also installed as manual pages: <code>man ftrace</code>, "
            + "<code>man 7 ftrace</code>, <code>man ftrace_register_function</code>.</p>\n");
        foreach (IGrouping<string, Page> group in pages.GroupBy(p => p.Group))
        {
            Heading(text, group.Key);
            foreach (Page page in group)
            {
                string names = string.Join(", ", page.Names.Where(n => !n.StartsWith("FTRACE_", StringComparison.Ordinal) || n == page.Name));
                Entry(text, HtmlWriter.FileOf(page.Name, page.Section), $"{names}({page.Section})", page.Summary);
            }

            text.Append("</dl>\n");
        }

        Heading(text, "Documents");
        foreach ((string file, string title) in documents)
        {
            Entry(text, $"docs/{file}", file.Replace(".html", "", StringComparison.Ordinal), title);
        }

        text.Append("</dl>\n");
        return HtmlFrame.Write("Reference", "The reference of libftrace", version, "", text.ToString());
    }

    private static void Heading(StringBuilder text, string title) =>
        text.Append($"<h2>{WebUtility.HtmlEncode(title)}</h2>\n<dl class=\"pages\">\n");

    private static void Entry(StringBuilder text, string file, string name, string summary) =>
        text.Append($"<dt><a href=\"{WebUtility.HtmlEncode(file)}\">{WebUtility.HtmlEncode(name)}</a></dt><dd>{WebUtility.HtmlEncode(summary)}</dd>\n");
}
