using System.Collections.Generic;

namespace Ftrace.Reference.Model;

internal sealed record Paragraph(IReadOnlyList<Inline> Text) : Block;
