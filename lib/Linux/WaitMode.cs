namespace Ftrace.Linux;

/// <summary>Whether wait4(2) sleeps.</summary>
internal enum WaitMode
{
    /// <summary>Until there is something to report.</summary>
    Block = 0,

    /// <summary>It does not: WNOHANG.</summary>
    NoHang = 1,
}
