using System.Collections.Generic;
using System.Text.RegularExpressions;

namespace Ftrace.Tests.Abi;

/// <summary>The linker's version script: which names it makes global, and in which node.</summary>
internal static class SymbolMap
{
    public static List<(string Name, string Node)> Read(string text)
    {
        var names = new List<(string, string)>();
        text = Regex.Replace(text, @"/\*.*?\*/", " ", RegexOptions.Singleline);
        foreach (Match node in Regex.Matches(text, @"([\w.]+)\s*\{([^}]*)\}"))
        {
            bool global = true;
            foreach (Match word in Regex.Matches(node.Groups[2].Value, @"[^\s;]+"))
            {
                switch (word.Value)
                {
                    case "global:":
                        global = true;
                        break;
                    case "local:":
                        global = false;
                        break;
                    default:
                        if (global)
                        {
                            names.Add((word.Value, node.Groups[1].Value));
                        }

                        break;
                }
            }
        }

        return names;
    }
}
