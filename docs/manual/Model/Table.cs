using System.Collections.Generic;

namespace Ftrace.Manual.Model;

/// <summary>Rows of cells; the first row is the header.</summary>
internal sealed record Table(IReadOnlyList<IReadOnlyList<IReadOnlyList<Inline>>> Rows) : Block;
