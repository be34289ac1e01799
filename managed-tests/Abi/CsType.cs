using System;
using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.Abi;

/// <summary>C# types: which one a C type has to be, and what they are called in the source.</summary>
internal static class CsType
{
    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(sbyte)] = "sbyte",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    public static string Name(Type type) =>
        type.IsPointer ? Name(type.GetElementType()!) + "*" :
        s_keywords.TryGetValue(type, out string? keyword) ? keyword : type.Name;

    /// <returns>The C# type for a parameter, a result, a field or an element; null if there is none.</returns>
    public static Type? Of(CType type, AbiMap map) => type.Kind switch
    {
        CTypeKind.Void => typeof(void),
        CTypeKind.Signed => type.Size switch { 1 => typeof(sbyte), 2 => typeof(short), 4 => typeof(int), 8 => typeof(long), _ => null },
        CTypeKind.Unsigned => type.Size switch { 1 => typeof(byte), 2 => typeof(ushort), 4 => typeof(uint), 8 => typeof(ulong), _ => null },
        CTypeKind.Size => typeof(nuint),
        // C# calls the host's functions through the native file, which takes any pointer.
        CTypeKind.Pointer when type.Element!.Kind == CTypeKind.Function => typeof(void*),
        CTypeKind.Pointer => Of(type.Element!, map)?.MakePointerType(),
        CTypeKind.Struct or CTypeKind.Enum => map.Types.GetValueOrDefault(type.Tag),
        _ => null,
    };

    /// <summary>last_stop_ns, LAST_STOP_NS: LastStopNs.</summary>
    public static string Pascal(string name) =>
        string.Concat(name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(w => char.ToUpperInvariant(w[0]) + w[1..].ToLowerInvariant()));
}
