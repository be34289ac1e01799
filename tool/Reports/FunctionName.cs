using System;
using System.Text;
using Ftrace.Names;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>A function as a user names it: its name, with or without parameters, its symbol, or a pattern of these.</summary>
internal sealed class FunctionName(string text)
{
    private readonly byte[] _pattern = Encoding.UTF8.GetBytes(text);

    public bool Matches(Symbols symbols, int function)
    {
        ReadOnlySpan<byte> name = symbols.Name(function);
        return Matches(name) || Matches(WithoutParameters(name)) || Matches(symbols.RawName(function));
    }

    /// <summary>The name that was probably meant. Null: none is like it.</summary>
    public string? Nearest(Symbols symbols)
    {
        var nearest = new NearestName(_pattern);
        int best = NearestName.NotNear;
        string? name = null;
        for (int function = 0; function < symbols.Count; function++)
        {
            int distance = nearest.Compare(WithoutParameters(symbols.Name(function)));
            if (distance < best)
            {
                best = distance;
                name = symbols.NameText(function);
            }
        }

        return name;
    }

    private bool Matches(ReadOnlySpan<byte> name) => name.SequenceEqual(_pattern) || Glob.Matches(_pattern, name, GlobSyntax.Cxx);

    private static ReadOnlySpan<byte> WithoutParameters(ReadOnlySpan<byte> name)
    {
        int parenthesis = name.IndexOf((byte)'(');
        return parenthesis > 0 ? name[..parenthesis] : name;
    }
}
