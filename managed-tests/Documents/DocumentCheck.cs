using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace Ftrace.Tests.Documents;

/// <summary>Finds what is wrong with the documents of a source tree.</summary>
internal sealed class DocumentCheck(string root)
{
    /// <summary>What native-tests/package/documents.sh knows what to do with.</summary>
    private static readonly HashSet<string> s_languages = ["", "c", "cpp", "cmake", "python", "rust", "sh", "shell"];

    private static readonly Regex s_path = new(@"^(docs|examples|include|lib|managed-tests|native-tests)/[\w./+-]*$");

    private readonly Dictionary<string, MarkdownFile> _files = [];

    /// <summary>The tree's Markdown files, but what is in folders of builds.</summary>
    public static IEnumerable<string> FilesBelow(string folder) =>
        Directory.EnumerateFiles(folder, "*.md").Concat(Directory.EnumerateDirectories(folder).Where(IsSource).SelectMany(FilesBelow)).Order(StringComparer.Ordinal);

    /// <summary>What is wrong with a file: a line for each, with its place.</summary>
    public IEnumerable<string> Check(string path)
    {
        MarkdownFile file = Read(path);
        string name = Path.GetRelativePath(root, path);
        if (!file.IsComplete)
        {
            yield return $"{name}: a block has no end";
        }

        foreach (MarkdownLink link in file.Links)
        {
            string? problem = CheckLink(path, file, link.Target);
            if (problem != null)
            {
                yield return $"{name}:{link.Line}: {link.Target}: {problem}";
            }
        }

        foreach (MarkdownLink span in file.Spans.Where(s => s_path.IsMatch(s.Target) && !Path.Exists(Path.Combine(root, s.Target))))
        {
            yield return $"{name}:{span.Line}: {span.Target}: no such file";
        }

        foreach (MarkdownBlock block in file.Blocks.Where(b => !s_languages.Contains(b.Language)))
        {
            yield return $"{name}:{block.Line}: no test knows blocks of '{block.Language}'";
        }

        foreach (int line in file.Indented)
        {
            yield return $"{name}:{line}: a block that is indented; use a fence";
        }
    }

    private static bool IsSource(string folder) =>
        Path.GetFileName(folder) is not ("bin" or "obj" or ".git" or "corpus") && !File.Exists(Path.Combine(folder, "CMakeCache.txt"));

    private string? CheckLink(string from, MarkdownFile file, string target)
    {
        if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
        {
            return null; // not followed: a test needs no network
        }

        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? from : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(from)!, parts[0]));
        if (!path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            return "outside of the tree";
        }

        if (!Path.Exists(path))
        {
            return "no such file";
        }

        if (parts.Length == 1)
        {
            return null;
        }

        MarkdownFile other = path == from ? file : Read(path);
        return other.Anchors.Contains(parts[1]) ? null : "no such heading";
    }

    private MarkdownFile Read(string path)
    {
        if (!_files.TryGetValue(path, out MarkdownFile? file))
        {
            file = new MarkdownFile(Directory.Exists(path) ? "" : File.ReadAllText(path));
            _files.Add(path, file);
        }

        return file;
    }
}
