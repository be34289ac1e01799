using System.Collections.Generic;

namespace Ftrace.Reference.Model;

internal sealed record Definition(IReadOnlyList<Inline> Term, IReadOnlyList<Block> Text);
