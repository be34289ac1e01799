using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.NoInstr;

/// <summary>A stretch of code with a symbol, or several: an export has the name of its method and its own.</summary>
internal sealed class Function(int section, ulong start, ulong end, IReadOnlyList<string> names)
{
    public int Section => section;

    public ulong Start => start;

    /// <summary>The byte after the last one.</summary>
    public ulong End => end;

    public IReadOnlyList<string> Names => names;

    public string Name => names[0];

    /// <summary>The names without type arguments: those of the methods as written.</summary>
    public IEnumerable<string> Definitions => names.Select(SymbolNames.Definition);

    public bool Contains(ulong address) => address >= start && address < end;
}
