using System.Collections.Generic;

namespace Ftrace.Manual.Model;

internal sealed record PageSection(string Heading, IReadOnlyList<Block> Blocks);
