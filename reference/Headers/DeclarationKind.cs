namespace Ftrace.Reference.Headers;

internal enum DeclarationKind
{
    Function,
    Macro,
    Constant,
    Type,
    Object,
}
