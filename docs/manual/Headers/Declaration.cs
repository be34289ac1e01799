using System.Collections.Generic;

namespace Ftrace.Manual.Headers;

/// <summary>What a header declares, and its comment.</summary>
/// <param name="Kind">Of the first name.</param>
/// <param name="Names">As the comment gives them, without "struct" and "enum".</param>
/// <param name="Comment">The comment.</param>
/// <param name="Code">The declaration, as it is in the header; a macro without its body.</param>
/// <param name="Keyword">"struct " or "enum " of a type.</param>
internal sealed record Declaration(DeclarationKind Kind, IReadOnlyList<string> Names, DocComment Comment, string Code, string Keyword)
{
    public string Name => Names[0];
}
