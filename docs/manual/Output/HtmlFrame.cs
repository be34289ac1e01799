using System.Net;

namespace Ftrace.Manual.Output;

/// <summary>What all HTML pages have in common.</summary>
internal static class HtmlFrame
{
    /// <param name="title">Of the page.</param>
    /// <param name="summary">A few words.</param>
    /// <param name="version">Of the library.</param>
    /// <param name="up">"" or "../": the folder of the index.</param>
    /// <param name="body">HTML.</param>
    public static string Write(string title, string summary, string version, string up, string body) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="description" content="{WebUtility.HtmlEncode(summary)}" />
        <title>{WebUtility.HtmlEncode(title)} - libftrace</title>
        <link rel="stylesheet" href="{up}style.css" />
        </head>
        <body>
        <header><a href="{up}index.html">libftrace {version}</a><span>{WebUtility.HtmlEncode(title)}</span></header>
        <main>
        {body}</main>
        <footer><a href="{up}index.html">All pages</a><span>libftrace {version}</span></footer>
        </body>
        </html>

        """;
}
