using System.Collections.Generic;

namespace Ftrace.Manual.Model;

internal sealed record Definition(IReadOnlyList<Inline> Term, IReadOnlyList<Block> Text);
