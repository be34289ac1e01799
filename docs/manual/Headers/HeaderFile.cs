using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace Ftrace.Manual.Headers;

/// <summary>
/// A public header: the comment at its top, and its declarations with theirs. The declaration is what follows the comment, up to an
/// empty line outside of braces. It is not parsed further than its kind needs: the compiler has checked it.
/// </summary>
internal sealed class HeaderFile
{
    private static readonly Regex s_macro = new(@"^#define (\w+)(\([^)]*\))?");
    private static readonly Regex s_type = new(@"^(struct|enum) (\w+) \{");
    private static readonly Regex s_handler = new(@"^typedef .*\(\*(\w+)\)");
    private static readonly Regex s_object = new(@"^extern [^(]*?\b(\w+)(\[\w+\])?( __attribute__.*)?;");
    private static readonly Regex s_function = new(@"^[a-z][\w *]*?\b(\w+)\(");

    private readonly List<Declaration> _declarations = [];
    private readonly List<string> _undocumented = [];

    private HeaderFile(string name) => Name = name;

    /// <summary>trace.h.</summary>
    public string Name { get; }

    /// <summary>ftrace_trace.h, as sys_socket.h is the page of sys/socket.h; that of ftrace.h is libftrace.</summary>
    public string PageName => Name == "ftrace.h" ? "libftrace" : $"ftrace_{Name}";

    public string Summary { get; private set; } = "";

    /// <summary>The comment at the top.</summary>
    public DocComment Overview { get; private set; } = new([], hasTitle: false);

    public IReadOnlyList<Declaration> Declarations => _declarations;

    public static HeaderFile Read(string path)
    {
        var header = new HeaderFile(Path.GetFileName(path));
        try
        {
            header.Parse(File.ReadAllLines(path));
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}");
        }

        return header;
    }

    /// <summary>Names that the header declares for its users, without a comment. Those that end with an underscore are not for them.</summary>
    public IEnumerable<string> Undocumented => _undocumented.Except(_declarations.SelectMany(d => d.Names));

    private void Parse(string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("/*", StringComparison.Ordinal))
            {
                NoteName(lines[i]);
                continue;
            }

            bool isDoc = lines[i].StartsWith("/**", StringComparison.Ordinal);
            List<string> comment = ReadComment(lines, ref i);
            if (comment.Count != 0 && comment[0].StartsWith($"ftrace/{Name} - ", StringComparison.Ordinal))
            {
                var top = new DocComment(comment, hasTitle: true);
                Summary = top.Summary;
                Overview = top;
                continue;
            }

            List<string> code = ReadCode(lines, ref i);
            if (isDoc)
            {
                AddDocumented(new DocComment(comment, hasTitle: true), code);
            }
            else if (code.Count == 1 && ConstantIn(code[0]) is { } name)
            {
                _declarations.Add(new Declaration(DeclarationKind.Constant, [name], new DocComment(comment, hasTitle: false), code[0], ""));
            }

            code.ForEach(NoteName);
        }
    }

    /// <summary>The lines of a comment without its margin; at the end, i is its last line.</summary>
    private static List<string> ReadComment(string[] lines, ref int i)
    {
        var comment = new List<string>();
        for (; ; i++)
        {
            string line = Regex.Replace(lines[i], @"^(/\*\*?| \*/?) ?", "");
            bool isLast = lines[i].EndsWith("*/", StringComparison.Ordinal);
            line = (isLast ? line.Replace("*/", "", StringComparison.Ordinal) : line).TrimEnd();
            if (line.Length != 0 || comment.Count != 0)
            {
                comment.Add(line);
            }

            if (isLast)
            {
                break;
            }
        }

        while (comment.Count != 0 && comment[^1].Length == 0)
        {
            comment.RemoveAt(comment.Count - 1);
        }

        return comment;
    }

    /// <summary>What follows the comment; at the end, i is its last line.</summary>
    private static List<string> ReadCode(string[] lines, ref int i)
    {
        var code = new List<string>();
        for (int depth = 0; i + 1 < lines.Length; i++)
        {
            string line = lines[i + 1];
            if (line.StartsWith("/*", StringComparison.Ordinal) || (line.Length == 0 && depth == 0))
            {
                break;
            }

            depth += line.Count(c => c == '{') - line.Count(c => c == '}');
            code.Add(line);
        }

        return code;
    }

    /// <summary>A macro without parameters.</summary>
    private static string? ConstantIn(string line)
    {
        Match match = s_macro.Match(line);
        return match.Success && !match.Groups[2].Success && !match.Groups[1].Value.EndsWith('_') && line.Length > match.Length ? match.Groups[1].Value : null;
    }

    private void NoteName(string line)
    {
        string? name =
            s_macro.Match(line) is { Success: true } macro ? macro.Groups[1].Value
            : s_type.Match(line) is { Success: true } type ? type.Groups[2].Value
            : s_handler.Match(line) is { Success: true } handler ? handler.Groups[1].Value
            : s_object.Match(line) is { Success: true } data ? data.Groups[1].Value
            : s_function.Match(line) is { Success: true } function ? function.Groups[1].Value
            : null;
        if (name != null && name.StartsWith("ftrace_", StringComparison.OrdinalIgnoreCase) && !name.EndsWith('_') && !name.EndsWith("_H", StringComparison.Ordinal))
        {
            _undocumented.Add(name);
        }
    }

    private void AddDocumented(DocComment comment, List<string> code)
    {
        if (code.Count == 0)
        {
            throw new FormatException($"nothing follows the comment of {comment.Names[0]}");
        }

        string first = code[0];
        string keyword = first.Split(' ')[0] is "struct" or "enum" ? first.Split(' ')[0] + " " : "";
        DeclarationKind kind =
            first.StartsWith("#define", StringComparison.Ordinal) ? (ConstantIn(first) != null ? DeclarationKind.Constant : DeclarationKind.Macro)
            : s_type.IsMatch(first) || first.StartsWith("typedef", StringComparison.Ordinal) ? DeclarationKind.Type
            : s_object.IsMatch(first) ? DeclarationKind.Object
            : DeclarationKind.Function;
        string[] names = [.. comment.Names.Select(n => Regex.Replace(n, "^(struct|enum) ", "")).Distinct()];
        string text = TextOf(code, kind, names);
        foreach (string name in names)
        {
            if (!Regex.IsMatch(text, $@"\b{name}\b"))
            {
                throw new FormatException($"the comment of {names[0]} names {name}, which does not follow it");
            }
        }

        if (kind == DeclarationKind.Function && names.Length == 1)
        {
            CheckParameters(names[0], comment, text);
        }

        _declarations.Add(new Declaration(kind, names, comment, text, kind == DeclarationKind.Type ? keyword : ""));
    }

    /// <summary>Prototypes, types, and the names of macros.</summary>
    private static string TextOf(List<string> code, DeclarationKind kind, string[] names)
    {
        if (kind is DeclarationKind.Macro or DeclarationKind.Constant)
        {
            return string.Join('\n', code.Select(l => s_macro.Match(l)).Where(m => m.Success && names.Contains(m.Groups[1].Value))
                .Select(m => $"#define {m.Groups[1].Value}{m.Groups[2].Value}"));
        }

        if (code[0].StartsWith("static inline", StringComparison.Ordinal))
        {
            string prototype = string.Join('\n', code.TakeWhile(l => l != "{"));
            return prototype["static inline ".Length..] + ";";
        }

        var text = new StringBuilder();
        foreach (string line in code)
        {
            text.Append(line.Replace(" FTRACE_FORMAT_(1, 2)", "", StringComparison.Ordinal)).Append('\n');
        }

        return text.ToString().TrimEnd();
    }

    /// <summary>The comment describes each parameter, and no other.</summary>
    private static void CheckParameters(string name, DocComment comment, string prototype)
    {
        string list = prototype[(prototype.IndexOf('(', StringComparison.Ordinal) + 1)..prototype.LastIndexOf(')')];
        var parameters = new HashSet<string>();
        int depth = 0, start = 0;
        for (int i = 0; i <= list.Length; i++)
        {
            depth += i < list.Length ? list[i] switch { '(' => 1, ')' => -1, _ => 0 } : 0;
            if (i == list.Length || (list[i] == ',' && depth == 0))
            {
                string parameter = list[start..i].Trim();
                Match match = Regex.Match(parameter, @"\(\*(\w+)\)|(\w+)(\[\w*\])?$");
                if (match.Success && parameter != "void")
                {
                    parameters.Add(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value);
                }

                start = i + 1;
            }
        }

        if (!parameters.SetEquals(comment.Parameters.Select(p => p.Name)))
        {
            throw new FormatException($"{name} has the parameters {string.Join(", ", parameters)}; its comment describes {string.Join(", ", comment.Parameters.Select(p => p.Name))}");
        }
    }
}
