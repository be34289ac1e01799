namespace Ftrace.Names;

/// <summary>What a pattern may leave out of a C++ function's name, besides its ABI tags.</summary>
internal enum CxxOmission
{
    /// <summary>Nothing.</summary>
    Tags,

    /// <summary>The template arguments of the function itself: <c>C&lt;int&gt;::f</c> for <c>C&lt;int&gt;::f&lt;long&gt;</c>.</summary>
    LastArguments,

    /// <summary>All template arguments: <c>C::f</c>.</summary>
    Arguments,
}
