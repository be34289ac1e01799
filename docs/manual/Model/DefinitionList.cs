using System.Collections.Generic;

namespace Ftrace.Manual.Model;

/// <summary>A list of terms, and what they mean.</summary>
internal sealed record DefinitionList(IReadOnlyList<Definition> Items) : Block;
