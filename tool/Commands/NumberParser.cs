using System.CommandLine.Parsing;
using System.Globalization;

namespace Ftrace.Tool.Commands;

/// <summary>Parses numbers in decimal, from 0.</summary>
internal static class NumberParser
{
    /// <param name="result">The option's.</param>
    /// <param name="message">The error for anything else: what the option takes.</param>
    public static long? Parse(ArgumentResult result, string message)
    {
        if (result.Tokens.Count == 0 || !long.TryParse(result.Tokens[^1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            result.AddError(message);
            return null;
        }

        return number;
    }

    /// <summary>The same from 1, for a number that fits into 31 bits.</summary>
    public static int? ParsePositive(ArgumentResult result, string message)
    {
        long? number = Parse(result, message);
        if (number is 0)
        {
            result.AddError(message);
        }

        return number is { } value ? (int)long.Min(value, int.MaxValue) : null;
    }

    /// <summary>The same for an option that can be given several times.</summary>
    public static long[] ParseAll(ArgumentResult result, string message)
    {
        long[] numbers = new long[result.Tokens.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!long.TryParse(result.Tokens[i].Value, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                result.AddError(message);
            }
        }

        return numbers;
    }
}
