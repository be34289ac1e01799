using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Ftrace.Tests.Abi;

/// <summary>Declared functions against the gates of the native code and the C# methods behind them.</summary>
internal static class SignatureComparison
{
    /// <param name="headers">What is declared.</param>
    /// <param name="gates">The functions that the native file hands on to C#.</param>
    /// <param name="methods">The C# methods with entry points.</param>
    /// <param name="map">What belongs together.</param>
    public static List<AbiMismatch> Compare(CHeaders headers, IReadOnlyList<string> gates, List<EntryPoint> methods, AbiMap map)
    {
        var found = new List<AbiMismatch>();
        foreach (CFunction function in headers.Exported)
        {
            List<EntryPoint> behind = methods.FindAll(m => m.Name == EntryPoint.Prefix + function.Name);
            bool gate = gates.Contains(function.Name);
            if (map.NativeFunctions.TryGetValue(function.Name, out string? reason))
            {
                if (gate)
                {
                    found.Add(new(AbiMismatchKind.ExtraGate, $"{function}, native: {reason}", $"the native file hands {function.Name} on"));
                }

                found.AddRange(behind.Select(m => new AbiMismatch(AbiMismatchKind.ExtraEntryPoint, $"{function}, native: {reason}", m.ToString())));
                continue;
            }

            if (!gate)
            {
                found.Add(new(AbiMismatchKind.MissingGate, function.ToString(), $"the native file has no THREAD_CONTEXT({function.Name}, ...)"));
            }

            if (behind.Count == 0)
            {
                found.Add(new(AbiMismatchKind.MissingMethod, function.ToString(), $"no C# method has the entry point {EntryPoint.Prefix}{function.Name}"));
            }

            foreach (EntryPoint method in behind)
            {
                Compare(function, method, map, found);
            }
        }

        HashSet<string> names = [.. headers.Exported.Select(f => f.Name)];
        found.AddRange(gates.Where(g => !names.Contains(g)).Select(g =>
            new AbiMismatch(AbiMismatchKind.ExtraGate, $"no header declares {g}", $"the native file has THREAD_CONTEXT({g}, ...)")));
        found.AddRange(methods.Where(m => !IsKnown(m.Name, names, map)).Select(m =>
            new AbiMismatch(AbiMismatchKind.ExtraEntryPoint, $"no header declares the function of {m.Name}", m.ToString())));
        found.AddRange(map.NativeFunctions.Where(n => !names.Contains(n.Key)).Select(n =>
            new AbiMismatch(AbiMismatchKind.MissingDeclaration, $"no header declares {n.Key}", $"{n.Key} is listed as native: {n.Value}")));
        return found;
    }

    private static bool IsKnown(string entryPoint, HashSet<string> names, AbiMap map) =>
        map.OtherEntryPoints.ContainsKey(entryPoint) ||
        (entryPoint.StartsWith(EntryPoint.Prefix, StringComparison.Ordinal) && names.Contains(entryPoint[EntryPoint.Prefix.Length..]));

    private static void Compare(CFunction function, EntryPoint method, AbiMap map, List<AbiMismatch> found)
    {
        if (CsType.Of(function.Result, map) is var result && result != method.Method.ReturnType)
        {
            found.Add(new(AbiMismatchKind.ReturnType, $"{Expected(function.Result, result)}, of {function}", $"{CsType.Name(method.Method.ReturnType)}, of {method}"));
        }

        ParameterInfo[] parameters = method.Method.GetParameters();
        if (parameters.Length != function.Parameters.Count)
        {
            found.Add(new(AbiMismatchKind.ParameterCount, $"{function.Parameters.Count} of {function}", $"{parameters.Length} of {method}"));
            return;
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            CParameter parameter = function.Parameters[i];
            Type? expected = CsType.Of(parameter.Type, map);
            if (expected != parameters[i].ParameterType)
            {
                found.Add(new(
                    AbiMismatchKind.ParameterType,
                    $"{parameter.Name}, {Expected(parameter.Type, expected)}, of {function}",
                    $"{parameters[i].Name}, {CsType.Name(parameters[i].ParameterType)}, of {method}"));
            }
        }
    }

    private static string Expected(CType type, Type? expected) =>
        expected == null ? $"{type}, which no C# type matches" : $"{type} ({CsType.Name(expected)} in C#)";
}
