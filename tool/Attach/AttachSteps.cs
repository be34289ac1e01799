using System;

namespace Ftrace.Tool.Attach;

/// <summary>Counts what is done to a process, so that tests can let this one die at each step.</summary>
internal static class AttachSteps
{
    private const int Kill = 9;
    private const int User = 12; // SIGUSR2

    private static int s_left;

    /// <summary>A thread has been stopped, and the call that it is in may return EINTR if this process ends now: that is to be told by the signal.</summary>
    public static bool MayInterrupt { get; set; }

    /// <summary>This process is killed before that step, from 1; 0: it is not.</summary>
    public static void DieAt(int step) => s_left = step;

    /// <summary>A step is about to be done.</summary>
    public static void Take()
    {
        if (s_left > 0 && --s_left == 0)
        {
            Libc.Kill(Environment.ProcessId, MayInterrupt ? User : Kill);
        }
    }
}
