using System;
using System.Collections.Generic;
using System.IO;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>Patterns of functions to record that match nothing of a program and its libraries: most are mistyped.</summary>
internal static class FilterCheck
{
    /// <param name="program">The path of the program. It is not run.</param>
    /// <param name="filters">The patterns.</param>
    /// <returns>Empty if no function can be traced at all: a shell or env(1), which starts what is to be recorded.</returns>
    public static IReadOnlyList<string> FindUnmatched(string program, IReadOnlyList<string> filters) => FindUnmatched(
        [new ListedObject(program, program, IsProgram: true)],
        () => ObjectList.OfProgram(program, withLibraries: true).FindAll(target => !target.IsProgram),
        filters);

    /// <param name="process">A process that runs.</param>
    /// <param name="filters">The patterns.</param>
    public static IReadOnlyList<string> FindUnmatched(int process, IReadOnlyList<string> filters) =>
        FindUnmatched([], () => ObjectList.OfProcess(process), filters);

    private static IReadOnlyList<string> FindUnmatched(List<ListedObject> first, Func<List<ListedObject>> findOthers, IReadOnlyList<string> filters)
    {
        var left = new List<(string Text, FunctionPattern Pattern)>();
        try
        {
            foreach (string filter in filters)
            {
                left.Add((filter, new FunctionPattern(filter)));
            }

            bool hasFunctions = false;
            foreach (ListedObject target in first)
            {
                hasFunctions |= Match(target, left);
            }

            if (left.Count != 0)
            {
                foreach (ListedObject target in findOthers())
                {
                    hasFunctions |= Match(target, left);
                }
            }

            return hasFunctions ? left.ConvertAll(filter => filter.Text) : [];
        }
        catch (Exception e) when (e is RecordingException or IOException or UnauthorizedAccessException)
        {
            return []; // the library says what is wrong with a pattern
        }
    }

    /// <summary>Removes the patterns that match. Returns true if the object has functions that can be traced.</summary>
    private static bool Match(ListedObject target, List<(string Text, FunctionPattern Pattern)> patterns)
    {
        using MappedObject mapped = MappedObject.Open(target.File);
        var functions = new ObjectFunctions(mapped);
        foreach (ListedFunction function in functions.Functions)
        {
            if (function.IsTraceable && patterns.Count != 0)
            {
                byte[] name = NameDemangler.Demangle(function.Symbol);
                patterns.RemoveAll(pattern => pattern.Pattern.Matches(target, function.Symbol, name));
            }
        }

        return functions.Traceable != 0;
    }
}
