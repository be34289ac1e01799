namespace Ftrace.Tests.Abi;

/// <summary>What a C type is, as far as the choice of its C# type depends on it.</summary>
internal enum CTypeKind
{
    Void,
    Signed,
    Unsigned,

    /// <summary><c>size_t</c>, which is <c>unsigned long</c> to the compiler, but not to the reader.</summary>
    Size,
    Pointer,
    Function,
    Array,
    Struct,
    Enum,

    /// <summary>Nothing that this ABI has use for; no C# type matches it.</summary>
    Other,
}
