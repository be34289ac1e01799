using System.Collections.Generic;

namespace Ftrace.Tool.Commands;

/// <summary>An option of a command.</summary>
/// <param name="Names">-o, --output.</param>
/// <param name="Description">A few words.</param>
/// <param name="Value">Null: it has none.</param>
internal sealed record CompletedOption(IReadOnlyList<string> Names, string Description, CompletedValue? Value);
