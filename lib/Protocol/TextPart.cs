namespace Ftrace.Protocol;

/// <summary>Which bytes of a location are written.</summary>
internal enum TextPart
{
    /// <summary>All of the instruction.</summary>
    Whole,

    /// <summary>A breakpoint in place of the first byte.</summary>
    Breakpoint,

    /// <summary>All but the first byte.</summary>
    Tail,

    /// <summary>The first byte.</summary>
    Head,
}
