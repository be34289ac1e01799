using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;

namespace Ftrace.Manual.Headers;

/// <summary>The version node of each symbol that the library exports: lib/Native/libftrace.map.</summary>
internal static class SymbolNodes
{
    public static Dictionary<string, string> Read(string path)
    {
        var nodes = new Dictionary<string, string>();
        string node = "";
        foreach (string line in File.ReadAllLines(path))
        {
            if (Regex.Match(line, @"^(\w[\w.]*) \{") is { Success: true } begin)
            {
                node = begin.Groups[1].Value;
            }
            else if (Regex.Match(line, @"^\s+(\w+);") is { Success: true } symbol)
            {
                nodes.Add(symbol.Groups[1].Value, node);
            }
        }

        return nodes;
    }
}
