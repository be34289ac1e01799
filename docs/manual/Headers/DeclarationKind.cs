namespace Ftrace.Manual.Headers;

internal enum DeclarationKind
{
    Function,
    Macro,
    Constant,
    Type,
    Object,
}
