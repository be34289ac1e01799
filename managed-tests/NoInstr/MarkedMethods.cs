using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Ftrace.Tests.NoInstr;

/// <summary>The methods of an assembly that carry [NoInstr], or whose property, class or struct does.</summary>
/// <remarks>
/// A type inside of a marked one must be marked itself. Static constructors never count: that the data plane
/// runs none is one of the rules.
/// </remarks>
internal sealed class MarkedMethods
{
    private readonly Dictionary<string, MethodBase> _bySymbol = [];
    private readonly HashSet<(Module, int)> _tokens = [];

    public MarkedMethods(Assembly assembly)
    {
        foreach (Type type in assembly.GetTypes())
        {
            bool all = IsMarked(type);
            HashSet<MethodBase> accessors = [.. Properties(type).Where(IsMarked).SelectMany(property => property.GetAccessors(nonPublic: true))];
            foreach (MethodBase method in SymbolNames.DeclaredMethods(type))
            {
                bool constructsType = method is ConstructorInfo { IsStatic: true };
                if ((all || accessors.Contains(method) || IsMarked(method)) && !constructsType && !method.IsAbstract)
                {
                    _bySymbol.Add(SymbolNames.Of(method), method);
                    _tokens.Add((method.Module, method.MetadataToken));
                }
            }
        }
    }

    public IEnumerable<MethodBase> Methods => _bySymbol.Values;

    public bool Contains(Function function) => function.Definitions.Any(_bySymbol.ContainsKey);

    /// <summary>True for a marked method and for every instantiation of one.</summary>
    public bool Contains(MethodBase method) => _tokens.Contains((method.Module, method.MetadataToken));

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    // By name: every assembly can have its own.
    private static bool IsMarked(MemberInfo member) =>
        member.GetCustomAttributesData().Any(attribute => attribute.AttributeType.Name == nameof(NoInstrAttribute));
}
