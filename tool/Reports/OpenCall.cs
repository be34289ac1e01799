namespace Ftrace.Tool.Reports;

/// <summary>What <see cref="CallStatistics"/> keeps of a call that is under way.</summary>
internal struct OpenCall
{
    /// <summary>The call that it is nested in has ended before, on another stack.</summary>
    public const int Gone = -1;

    /// <summary>The time of calls of the same function inside it, should its own not be known.</summary>
    public ulong Inside;

    /// <summary>The number of the call of the same function that it is nested in. 0: none.</summary>
    public int Outer;

    /// <summary>Where it probably is in <see cref="OpenCalls"/>.</summary>
    public int Place;
}
