using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>How a slice ends: the values of <see cref="CallEnd"/>, and one more.</summary>
internal enum SliceEnd
{
    Returned = CallEnd.Returned,
    Tail = CallEnd.Tail,
    Unwound = CallEnd.Unwound,
    NotSeen = CallEnd.NotSeen,
    Unfinished = CallEnd.Unfinished,

    /// <summary>The call goes on, in another slice, because one ends that it was inside of: they are on different stacks.</summary>
    Split,
}
