using System.Collections.Generic;

namespace Ftrace.Reference.Model;

internal sealed record PageSection(string Heading, IReadOnlyList<Block> Blocks);
