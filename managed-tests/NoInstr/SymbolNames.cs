using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// The compiler's names for methods, without type arguments. Source: NativeAotNameMangler in dotnet/runtime.
/// <code>
/// Ftrace.Protocol.NmiProtocol`1.ModifyCode   libftrace_Ftrace_Protocol_NmiProtocol_1__ModifyCode
/// a nested type                              Outer_Nested
/// the second and third of an overload        Method_0, Method_1, in the order of the metadata
/// </code>
/// </summary>
internal static class SymbolNames
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Everything that a type declares and that has code, in the order of the metadata.</summary>
    public static IEnumerable<MethodBase> DeclaredMethods(Type type) =>
        type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)).OrderBy(method => method.MetadataToken);

    public static string Of(Type type) =>
        type.DeclaringType is { } outer
            ? Of(outer) + "_" + Sanitize(type.Name)
            : Sanitize(type.Assembly.GetName().Name!.Replace("System.Private.", "S.P.", StringComparison.Ordinal)) + "_" + Sanitize(type.FullName!);

    public static string Of(MethodBase method)
    {
        Type type = method.DeclaringType!;
        var taken = new HashSet<string>();
        foreach (MethodBase candidate in DeclaredMethods(type))
        {
            string plain = Sanitize(candidate.Name);
            string name = plain;
            for (int i = 0; !taken.Add(name); i++)
            {
                name = plain + "_" + i;
            }

            if (candidate.MetadataToken == method.MetadataToken)
            {
                return Of(type) + "__" + name;
            }
        }

        throw new ArgumentException($"{type} does not declare {method}");
    }

    /// <summary>A symbol without the type arguments of an instantiation.</summary>
    public static string Definition(string symbol)
    {
        var definition = new StringBuilder(symbol.Length);
        int depth = 0;
        foreach (char character in symbol)
        {
            depth += character == '<' ? 1 : 0;
            if (depth == 0)
            {
                definition.Append(character);
            }

            depth -= character == '>' && depth > 0 ? 1 : 0;
        }

        return definition.ToString();
    }

    private static string Sanitize(string name)
    {
        string clean = string.Concat(name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_'));
        return char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }
}
