using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.Abi;

/// <summary>Headers against the symbols of the library and the linker's symbol map.</summary>
internal static class ExportComparison
{
    public static List<AbiMismatch> WithLibrary(CHeaders headers, List<ElfSymbol> symbols, AbiMap map)
    {
        var found = new List<AbiMismatch>();
        foreach ((string name, string declaration) in Declared(headers))
        {
            ElfSymbol? symbol = symbols.Find(s => s.Name == name);
            if (symbol == null)
            {
                found.Add(new(AbiMismatchKind.MissingExport, declaration, $"the library exports no {name}"));
                continue;
            }

            string other = $"symbol {symbol}";
            if (symbol.Version != map.NodeOf(name))
            {
                found.Add(new(AbiMismatchKind.ExportVersion, $"{declaration}, version {map.NodeOf(name)}", other));
            }

            CObject? variable = headers.Objects.Find(o => o.Name == name);
            SymbolKind kind = variable == null ? SymbolKind.Function : variable.IsThreadLocal ? SymbolKind.ThreadLocal : SymbolKind.Object;
            if (symbol.Kind != kind)
            {
                found.Add(new(AbiMismatchKind.ExportKind, declaration, other));
            }

            // A program that is not position-independent has a copy of the variable, of the symbol's size.
            if (variable != null && symbol.Size != (ulong)variable.Type.Size)
            {
                found.Add(new(AbiMismatchKind.ExportSize, $"{declaration}, {variable.Type.Size} bytes", other));
            }
        }

        HashSet<string> names = [.. Declared(headers).Select(d => d.Name)];
        found.AddRange(symbols.Where(s => !names.Contains(s.Name)).Select(s =>
            new AbiMismatch(AbiMismatchKind.ExtraExport, $"no header declares {s.Name}", $"symbol {s}")));
        return found;
    }

    public static List<AbiMismatch> WithMap(CHeaders headers, List<(string Name, string Node)> listed, AbiMap map)
    {
        var found = new List<AbiMismatch>();
        foreach ((string name, string declaration) in Declared(headers))
        {
            int at = listed.FindIndex(l => l.Name == name);
            if (at < 0)
            {
                found.Add(new(AbiMismatchKind.MissingInMap, declaration, $"the symbol map does not list {name}"));
            }
            else if (listed[at].Node != map.NodeOf(name))
            {
                found.Add(new(AbiMismatchKind.MapNode, $"{declaration}, version {map.NodeOf(name)}", $"the symbol map lists {name} in {listed[at].Node}"));
            }
        }

        HashSet<string> names = [.. Declared(headers).Select(d => d.Name)];
        found.AddRange(listed.Where(l => !names.Contains(l.Name)).Select(l =>
            new AbiMismatch(AbiMismatchKind.ExtraInMap, $"no header declares {l.Name}", $"the symbol map lists {l.Name} in {l.Node}")));
        return found;
    }

    private static IEnumerable<(string Name, string Declaration)> Declared(CHeaders headers) =>
        headers.Exported.Select(f => (f.Name, f.ToString())).Concat(headers.Objects.Select(o => (o.Name, o.ToString())));
}
