using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Tests.NoInstr;

/// <summary>What code of the data plane may refer to without it being marked. Every entry has its reason.</summary>
internal sealed class AllowList
{
    /// <summary>Beginnings of the names of data.</summary>
    private static readonly Dictionary<string, string> s_data = new()
    {
        ["__NONGCSTATICS"] = "statics without GC references: plain memory. Had the class a constructor, a call would show",
        ["__readonlydata_"] = "constants of the method",
        ["libftrace__PrivateImplementationDetails__"] = "the bytes of a literal",
    };

    /// <summary>For the shipped library.</summary>
    public static AllowList Shipped { get; } = new();

    /// <summary>
    /// Methods that cannot be marked because they are not ours. Their code is checked like that of a marked one.
    /// </summary>
    public Dictionary<string, string> Calls { get; init; } = [];

    /// <summary>Methods with indirect calls or jumps that are right although the check cannot prove it.</summary>
    public Dictionary<string, string> IndirectCalls { get; init; } = [];

    /// <summary>The table through which the native file is called.</summary>
    public NativeTableLayout NativeTable { get; init; } = NativeTableLayout.Shipped;

    /// <summary>Functions of the native file.</summary>
    public IReadOnlySet<string> NativeFunctions { get; init; } = new HashSet<string>();

    public static bool AllowsData(string symbol) => s_data.Keys.Any(symbol.StartsWith);
}
