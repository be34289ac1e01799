using System;
using System.Collections.Generic;
using System.CommandLine.Completions;
using System.Linq;

namespace Ftrace.Tool.Commands;

/// <summary>The value of an option, or an argument.</summary>
/// <param name="Name">As help shows it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Choices">The words, of a choice.</param>
/// <param name="IsRepeated">True: there can be several.</param>
internal sealed record CompletedValue(string Name, ValueKind Kind, IReadOnlyList<string> Choices, bool IsRepeated)
{
    private static readonly Dictionary<string, ValueKind> s_kinds = new()
    {
        ["FILE"] = ValueKind.File,
        ["OUT"] = ValueKind.File,
        ["OTHER"] = ValueKind.File,
        ["DIR"] = ValueKind.Directory,
        ["PID"] = ValueKind.Process,
        ["PID|FILE"] = ValueKind.ProcessOrFile,
        ["PID|SOCKET"] = ValueKind.ProcessOrFile,
        ["PROGRAM|PID"] = ValueKind.ProcessOrFile,
        ["PROGRAM"] = ValueKind.Program,
    };

    public static CompletedValue Create(string name, Type type, IEnumerable<CompletionItem> items, bool isRepeated)
    {
        string[] choices = type == typeof(bool) ? [] : [.. items.Select(i => i.Label).Order(StringComparer.Ordinal)];
        return new CompletedValue(name, choices.Length != 0 ? ValueKind.Choice : s_kinds.GetValueOrDefault(name), choices, isRepeated);
    }
}
