namespace Ftrace.Tool.Reading;

/// <summary>A thread with a next event, in <see cref="MergedEvents"/>.</summary>
internal struct MergedThread
{
    /// <summary>Of the next event.</summary>
    public ulong Time;

    /// <summary>Index of the thread.</summary>
    public int Thread;

    /// <summary>Where its reader and its event are.</summary>
    public int Place;
}
