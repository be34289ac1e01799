using System.Collections.Generic;

namespace Ftrace.Manual.Model;

internal sealed record Paragraph(IReadOnlyList<Inline> Text) : Block;
