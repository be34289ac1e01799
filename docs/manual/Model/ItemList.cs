using System.Collections.Generic;

namespace Ftrace.Manual.Model;

/// <summary>A list with bullets, or with numbers.</summary>
internal sealed record ItemList(bool IsNumbered, IReadOnlyList<IReadOnlyList<Block>> Items) : Block;
