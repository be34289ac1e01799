namespace Ftrace.Tool.Attach;

/// <summary>A thread that was stopped to be borrowed.</summary>
/// <param name="Thread">It.</param>
/// <param name="Registers">Its registers.</param>
/// <param name="Path">Why it was chosen.</param>
/// <param name="Start">Since when it stands still.</param>
internal sealed record StoppedThread(TracedThread Thread, Registers Registers, AttachPath Path, long Start)
{
    private const long Interrupted = -4; // EINTR

    /// <summary>
    /// Some calls return EINTR because of the stop, which the program must not see: they are made again. At once, because this process may be killed.
    /// </summary>
    public void Repeat()
    {
        if (Registers.OrigRax >= 0 && (long)Registers.Rax == Interrupted && SleepingCall.CanRepeat(Registers.OrigRax, Registers.Rsi, Registers.Rdx))
        {
            Thread.TrySetRegisters(CallLayout.Restarted(Registers));
        }
    }
}
