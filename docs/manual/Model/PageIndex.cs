using System.Collections.Generic;

namespace Ftrace.Manual.Model;

/// <summary>Which page describes a name.</summary>
internal sealed class PageIndex
{
    private readonly Dictionary<string, string> _targets = [];

    /// <param name="name">A function, a constant, a type with its keyword, a header, a command with hyphens.</param>
    /// <param name="page">The name of the page.</param>
    /// <param name="section">Its section.</param>
    public void Add(string name, string page, string section) => _targets.TryAdd(name, $"{page}.{section}");

    /// <returns>"NAME.SECTION", or null.</returns>
    public string? Find(string name) => _targets.GetValueOrDefault(name);

    public IEnumerable<string> Names => _targets.Keys;
}
