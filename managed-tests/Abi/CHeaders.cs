using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.Abi;

/// <summary>What a set of headers declares.</summary>
internal sealed class CHeaders
{
    public List<CFunction> Functions { get; } = [];

    public List<CObject> Objects { get; } = [];

    public List<CStruct> Structs { get; } = [];

    public List<CEnum> Enums { get; } = [];

    public List<CConstant> Macros { get; } = [];

    /// <summary>The functions that the library has to export: a static one lives in its caller.</summary>
    public IEnumerable<CFunction> Exported => Functions.Where(f => !f.IsStatic);

    /// <summary>Adds what <paramref name="other"/> has and this has not, by name.</summary>
    public CHeaders With(CHeaders other)
    {
        var all = new CHeaders();
        all.Functions.AddRange(Functions.Concat(other.Functions).OrderBy(f => f.IsStatic).DistinctBy(f => f.Name));
        all.Objects.AddRange(Objects.Concat(other.Objects).DistinctBy(o => o.Name));
        all.Structs.AddRange(Structs.Concat(other.Structs).DistinctBy(s => s.Name));
        all.Enums.AddRange(Enums.Concat(other.Enums).DistinctBy(e => e.Name));
        all.Macros.AddRange(Macros.Concat(other.Macros).DistinctBy(m => m.Name));
        return all;
    }
}
