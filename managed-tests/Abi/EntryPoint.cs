using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Ftrace.Tests.Abi;

/// <summary>A C# method that the native file calls by name.</summary>
internal sealed record EntryPoint(string Name, MethodInfo Method)
{
    /// <summary>What the native code puts before a function's name.</summary>
    public const string Prefix = "thread_";

    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Methods without a name are passed as function pointers; the linker does not see them.</summary>
    public static List<EntryPoint> Of(IEnumerable<Type> types) =>
    [
        .. from type in types
           from method in type.GetMethods(Static)
           let name = method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()?.EntryPoint
           where name != null
           select new EntryPoint(name, method),
    ];

    public override string ToString() =>
        $"{CsType.Name(Method.ReturnType)} {CsType.Name(Method.DeclaringType!)}.{Method.Name}" +
        $"({string.Join(", ", Method.GetParameters().Select(p => $"{CsType.Name(p.ParameterType)} {p.Name}"))})";
}
