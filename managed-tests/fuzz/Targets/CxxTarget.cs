using System;
using Ftrace.Names;

namespace Ftrace.Fuzz;

/// <summary>The input is a name as a demangler writes it; one that is as it should be is cut into the same parts again.</summary>
public static class CxxTarget
{
    private const int MostBytes = 4096;

    public static void Run(byte[] input)
    {
        if (input.Length > MostBytes)
        {
            return;
        }

        var name = new CxxName(input, isPlain: true);
        Finding.Unless(input.AsSpan().EndsWith(name.WithoutResult), "a name without its result");
        Finding.Unless(name.WithoutResult.StartsWith(name.WithoutParameters), "a name without its parameters");
        Finding.Unless(name.WithoutResult.StartsWith(name.WithoutQualifiers), "a name without its qualifiers");
        for (CxxOmission omission = CxxOmission.Tags; omission <= CxxOmission.Arguments; omission++)
        {
            int written = name.Shorten(new byte[name.WithoutResult.Length], omission, out int parameters, out int end);
            Finding.Unless(parameters <= end && end <= written, "a shortened name whose parts are not in order");

            // In less room it is the same name, or nothing. A space before template arguments takes room until it is left out.
            byte[] less = new byte[((parameters + written) / 2) + 1];
            int fitting = name.Shorten(less, omission, out int lessParameters, out _);
            Finding.Unless(fitting <= less.Length && lessParameters == parameters, "a shortened name that has room is left out");
            Finding.Unless(parameters == 0 || name.Shorten(less.AsSpan(0, parameters - 1), omission, out _, out _) == 0, "a name without room");
        }

        // As a name, and as a pattern: there is room for what is written.
        byte[] spelled = new byte[input.Length];
        Finding.Unless(CxxSpelling.Write(input, isPattern: true, spelled) <= input.Length, "a pattern that became longer");
        int count = CxxSpelling.Write(input, isPattern: false, spelled);
        var parts = new CxxName(spelled.AsSpan(0, count), isPlain: true);
        Finding.Unless(parts.WithoutResult.StartsWith(parts.WithoutParameters), "a spelled name without its parameters");
        int length = CxxPattern.FindWord(input, out int start);
        Finding.Unless(length == 0 || CxxName.IsWord(input[start]), "a word that is none");

        Finding.Unless(new CxxName(input, isPlain: false).WithoutResult.Length == input.Length, "a result where there is none");
    }
}
