namespace Ftrace.Tool.Dumps;

/// <summary>A slice that is open, in <see cref="SliceStack"/>.</summary>
internal struct Slice
{
    /// <summary>The call began before what is in the trace, and its number is not known yet.</summary>
    public const int Hidden = -1;

    /// <summary>The call has ended.</summary>
    public const int Ended = -2;

    /// <summary>The number of the call, or one of the values above.</summary>
    public int Call;
    public int Function;

    /// <summary>Of a call that has ended.</summary>
    public SliceEnd How;
}
