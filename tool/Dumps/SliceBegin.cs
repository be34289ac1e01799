namespace Ftrace.Tool.Dumps;

/// <summary>How a slice begins.</summary>
internal enum SliceBegin
{
    /// <summary>With the call.</summary>
    Called,

    /// <summary>The call began before what is in the trace of its thread, or while events were lost.</summary>
    Hidden,

    /// <summary>The call began before the range of times that was chosen.</summary>
    Earlier,

    /// <summary>With another slice's end that it was inside of, as in <see cref="SliceEnd.Split"/>.</summary>
    Continued,
}
