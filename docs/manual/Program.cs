using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ftrace.Manual.Commands;
using Ftrace.Manual.Documents;
using Ftrace.Manual.Headers;
using Ftrace.Manual.Model;
using Ftrace.Manual.Output;
using Ftrace.Tool.Commands;

namespace Ftrace.Manual;

/// <summary>
/// manual ROOT OUTPUT: reads the source tree ROOT, and writes the manual pages to OUTPUT/man, the HTML
/// reference to OUTPUT/html, and the scripts for shell completion to OUTPUT/completions.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is ["--version"])
        {
            Console.Out.WriteLine($"manual {typeof(Program).Assembly.GetName().Version!.ToString(3)}");
            return 0;
        }

        if (args.Length != 2)
        {
            Console.Error.WriteLine("usage: manual ROOT OUTPUT");
            return 64;
        }

        try
        {
            Write(args[0], args[1]);
            return 0;
        }
        catch (Exception e) when (e is FormatException or IOException)
        {
            Console.Error.WriteLine($"manual: {e.Message}");
            return 1;
        }
    }

    private static void Write(string root, string output)
    {
        string date = DateOf(File.ReadAllText(Path.Combine(root, "CHANGELOG.md")), Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"));
        string version = VersionOf(File.ReadAllText(Path.Combine(root, "include/ftrace/version.h")));
        var index = new PageIndex();
        List<Page> pages = PagesOf(root, index);

        string man = Emptied(Path.Combine(output, "man"));
        foreach (Page page in pages)
        {
            string folder = Directory.CreateDirectory(Path.Combine(man, $"man{page.Section}")).FullName;
            File.WriteAllText(Path.Combine(folder, $"{page.Name}.{page.Section}"), ManWriter.Write(page, date, version));
            foreach (string link in page.Names.Skip(1))
            {
                File.CreateSymbolicLink(Path.Combine(folder, $"{link}.{page.Section}"), $"{page.Name}.{page.Section}");
            }
        }

        WriteCompletions(Emptied(Path.Combine(output, "completions")));
        WriteHtml(root, Emptied(Path.Combine(output, "html")), pages, index, version);
    }

    /// <summary>All pages, in the order of the index.</summary>
    public static List<Page> PagesOf(string root, PageIndex index)
    {
        string written = Path.Combine(root, "docs/man");
        HeaderFile[] headers = [.. Directory.GetFiles(Path.Combine(root, "include/ftrace"), "*.h").Order(StringComparer.Ordinal).Select(HeaderFile.Read).OrderBy(h => h.Name != "ftrace.h")];
        Example[] examples = [.. Directory.GetFiles(Path.Combine(root, "examples"), "*.c").Order(StringComparer.Ordinal).Select(ExampleOf)];
        var commands = new CommandPages(index, written);
        var api = new ApiPages(headers, SymbolNodes.Read(Path.Combine(root, "lib/Native/libftrace.map")), examples, index);
        return [.. WrittenPages.Create(index, written), .. commands.Create(), .. api.Create()];
    }

    private static void WriteCompletions(string folder)
    {
        CompletedCommand[] commands = CompletedCommand.AllOf(CommandTree.Create());
        File.WriteAllText(Path.Combine(folder, "ftrace.bash"), new BashScript(commands).ToString());
        File.WriteAllText(Path.Combine(folder, "_ftrace"), new ZshScript(commands).ToString());
        File.WriteAllText(Path.Combine(folder, "ftrace.fish"), new FishScript(commands).ToString());
    }

    private static void WriteHtml(string root, string folder, List<Page> pages, PageIndex index, string version)
    {
        HashSet<string> files = [.. pages.Select(p => HtmlWriter.FileOf(p.Name, p.Section))];
        foreach (Page page in pages)
        {
            File.WriteAllText(Path.Combine(folder, HtmlWriter.FileOf(page.Name, page.Section)), HtmlWriter.Write(page, version, files));
        }

        string docs = Path.Combine(root, "docs");
        string target = Directory.CreateDirectory(Path.Combine(folder, "docs")).FullName;
        MarkdownFile[] documents = [.. Directory.GetFiles(docs, "*.md").Order(StringComparer.Ordinal).Select(p => new MarkdownFile(Path.GetFileNameWithoutExtension(p) + ".html", MarkdownDocument.Read(p)))];
        string[] pictures = [.. Directory.GetFiles(docs).Where(p => Path.GetExtension(p) is ".png" or ".svg")];
        HashSet<string> documentFiles = [.. documents.Select(d => d.File), .. pictures.Select(p => Path.GetFileName(p))];
        foreach (MarkdownFile document in documents)
        {
            File.WriteAllText(Path.Combine(target, document.File), HtmlDocument.Write(document.Document, index, version, documentFiles));
        }

        foreach (string picture in pictures)
        {
            File.Copy(picture, Path.Combine(target, Path.GetFileName(picture)));
        }

        File.WriteAllText(Path.Combine(folder, "index.html"), HtmlIndex.Write(pages, [.. documents.Select(d => (d.File, d.Document.Title))], version));
        using Stream style = typeof(Program).Assembly.GetManifestResourceStream("style.css")!;
        using FileStream file = File.Create(Path.Combine(folder, "style.css"));
        style.CopyTo(file);
    }

    /// <summary>The date of the pages is that of the version, not of the build.</summary>
    public static string DateOf(string changes, string? epoch)
    {
        if (!string.IsNullOrEmpty(epoch))
        {
            return DateTimeOffset.FromUnixTimeSeconds(long.Parse(epoch, CultureInfo.InvariantCulture)).UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        }

        Match match = Regex.Match(changes, @"^## .*\b(\d{4}-\d\d-\d\d)\b", RegexOptions.Multiline);
        return match.Success ? match.Groups[1].Value : throw new FormatException("CHANGELOG.md: no heading of a version has a date");
    }

    private static string VersionOf(string header) =>
        string.Join('.', Regex.Matches(header, @"#define FTRACE_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)").Select(m => m.Groups[1].Value));

    /// <summary>Without the license line.</summary>
    private static Example ExampleOf(string path) =>
        new(Path.GetFileName(path), Regex.Replace(File.ReadAllText(path).Trim(), @"^/\* SPDX.*\n", ""));

    private static string Emptied(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Directory.CreateDirectory(folder).FullName;
    }

    private sealed record MarkdownFile(string File, MarkdownDocument Document);
}
