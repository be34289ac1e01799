using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ftrace.Tests.Abi;

/// <summary>Structures, enumerations and macros against the C# types and constants.</summary>
internal static class LayoutComparison
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    public static List<AbiMismatch> Compare(CHeaders headers, AbiMap map)
    {
        var found = new List<AbiMismatch>();
        foreach (CStruct structure in headers.Structs)
        {
            if (Counterpart(structure.Name, structure.ToString(), map, found) is { } type)
            {
                Compare(structure, type, map, found);
            }
        }

        foreach (CEnum enumeration in headers.Enums)
        {
            if (Counterpart(enumeration.Name, enumeration.ToString(), map, found) is { } type)
            {
                Compare(enumeration, type, found);
            }
        }

        foreach (CConstant macro in headers.Macros)
        {
            if (!map.Macros.TryGetValue(macro.Name, out (string Member, long Value) member))
            {
                found.Add(new(AbiMismatchKind.MissingMacro, macro.ToString(), $"no C# member is known for {macro.Name}"));
            }
            else if (macro.Value != member.Value)
            {
                found.Add(new(AbiMismatchKind.MacroValue, macro.ToString(), $"{member.Member} = {member.Value}"));
            }
        }

        HashSet<string> names =
        [
            .. headers.Structs.Select(s => s.Name), .. headers.Enums.Select(e => e.Name), .. headers.Macros.Select(m => m.Name),
            .. headers.Structs.SelectMany(s => s.Fields.Select(f => $"{s.Name}.{f.Name}")),
        ];
        IEnumerable<(string Name, string Member)> listed = map.Types.Select(t => (t.Key, CsType.Name(t.Value)))
            .Concat(map.Macros.Select(m => (m.Key, m.Value.Member)))
            .Concat(map.Fields.Select(f => (f.Key, string.Join(", ", f.Value.Names))));
        found.AddRange(listed.Where(l => !names.Contains(l.Name)).Select(l =>
            new AbiMismatch(AbiMismatchKind.MissingDeclaration, $"no header declares {l.Name}", l.Member)));
        return found;
    }

    private static Type? Counterpart(string tag, string declaration, AbiMap map, List<AbiMismatch> found)
    {
        if (!map.Types.TryGetValue(tag, out Type? type))
        {
            found.Add(new(AbiMismatchKind.MissingType, declaration, $"no C# type is known for {tag}"));
        }

        return type;
    }

    private static void Compare(CStruct structure, Type type, AbiMap map, List<AbiMismatch> found)
    {
        int size = RuntimeHelpers.SizeOf(type.TypeHandle);
        if (structure.Size != size)
        {
            found.Add(new(AbiMismatchKind.StructSize, $"{structure.Size} bytes, {structure}", $"{size} bytes, {CsType.Name(type)}"));
        }

        Dictionary<string, FieldInfo> left = type.GetFields(Instance).ToDictionary(f => f.Name);
        foreach (CField field in structure.Fields)
        {
            FieldRule? rule = map.Fields.GetValueOrDefault($"{structure.Name}.{field.Name}");
            string[] names = rule?.Names ?? [CsType.Pascal(field.Name)];
            bool split = names.Length > 1;
            if (split && (field.Type.Kind != CTypeKind.Array || field.Type.Length != names.Length))
            {
                found.Add(new(AbiMismatchKind.FieldType, Describe(field, structure), $"{string.Join(", ", names)} of {CsType.Name(type)}: {rule!.Reason}"));
            }

            // An array that C# has as single fields: one element each.
            CType element = split ? field.Type.Element ?? field.Type : field.Type;
            for (int i = 0; i < names.Length; i++)
            {
                if (left.Remove(names[i], out FieldInfo? member))
                {
                    Compare(field with { Type = element, Offset = field.Offset + i * element.Size }, structure, member, rule?.Type, map, found);
                }
                else
                {
                    found.Add(new(AbiMismatchKind.MissingField, Describe(field, structure), $"{CsType.Name(type)} has no {names[i]}"));
                }
            }
        }

        found.AddRange(left.Values.Select(f =>
            new AbiMismatch(AbiMismatchKind.ExtraField, $"no field of {structure}", $"{CsType.Name(type)}.{f.Name}")));
    }

    private static void Compare(CField field, CStruct structure, FieldInfo member, Type? type, AbiMap map, List<AbiMismatch> found)
    {
        string name = $"{CsType.Name(member.DeclaringType!)}.{member.Name}";
        long offset = Marshal.OffsetOf(member.DeclaringType!, member.Name);
        if (field.Offset != offset)
        {
            found.Add(new(AbiMismatchKind.FieldOffset, $"offset {field.Offset}, {Describe(field, structure)}", $"offset {offset}, {name}"));
        }

        FixedBufferAttribute? buffer = member.GetCustomAttribute<FixedBufferAttribute>();
        bool array = field.Type.Kind == CTypeKind.Array;
        Type actual = buffer?.ElementType ?? member.FieldType;
        Type? expected = type ?? CsType.Of(array ? field.Type.Element! : field.Type, map);
        if (expected != actual || array != (buffer != null) || (buffer != null && buffer.Length != field.Type.Length) || !IsSameSize(field, type))
        {
            string length = buffer == null ? "" : $"[{buffer.Length}]";
            found.Add(new(AbiMismatchKind.FieldType, Describe(field, structure), $"{CsType.Name(actual)}{length} {name}"));
        }
    }

    /// <summary>An exception for a type may change what the bytes mean, but not how many they are.</summary>
    private static bool IsSameSize(CField field, Type? type) => type == null || RuntimeHelpers.SizeOf(type.TypeHandle) == field.Type.Size;

    private static void Compare(CEnum enumeration, Type type, List<AbiMismatch> found)
    {
        int size = RuntimeHelpers.SizeOf(type.TypeHandle);
        if (enumeration.Size != size)
        {
            found.Add(new(AbiMismatchKind.EnumSize, $"{enumeration.Size} bytes, {enumeration}", $"{size} bytes, {CsType.Name(type)}"));
        }

        Dictionary<string, FieldInfo> left = type.GetFields(BindingFlags.Static | BindingFlags.Public).ToDictionary(f => f.Name);
        string prefix = enumeration.Name.ToUpperInvariant() + "_";
        foreach (CConstant constant in enumeration.Constants)
        {
            bool usual = constant.Name.StartsWith(prefix, StringComparison.Ordinal);
            string name = CsType.Pascal(usual ? constant.Name[prefix.Length..] : constant.Name);
            if (!left.Remove(name, out FieldInfo? member))
            {
                found.Add(new(AbiMismatchKind.MissingEnumConstant, $"{constant} of {enumeration}", $"{CsType.Name(type)} has no {name}"));
                continue;
            }

            long value = Convert.ToInt64(member.GetRawConstantValue());
            if (constant.Value != value)
            {
                found.Add(new(AbiMismatchKind.EnumValue, $"{constant} of {enumeration}", $"{CsType.Name(type)}.{name} = {value}"));
            }
        }

        found.AddRange(left.Keys.Select(name =>
            new AbiMismatch(AbiMismatchKind.ExtraEnumConstant, $"no constant of {enumeration}", $"{CsType.Name(type)}.{name}")));
    }

    private static string Describe(CField field, CStruct structure) => $"{field.Type} {field.Name} of struct {structure.Name} at {field.Where}";
}
