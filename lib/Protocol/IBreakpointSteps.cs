namespace Ftrace.Protocol;

/// <summary>What <see cref="BreakpointSequence{TMachine, TSteps}"/> puts in order, for one batch.</summary>
internal interface IBreakpointSteps : IGateSteps
{
    /// <summary>Keeps other patchers out, and finds out whether the batch can be changed. Changes no text.</summary>
    /// <returns>0 or -errno; <see cref="End"/> follows in any case.</returns>
    int Begin();

    /// <summary>What it means to the caller that the cores cannot be made to serialize.</summary>
    int ErrorOfSync(int error);

    /// <summary>Returns when every other thread has been seen with SIGTRAP unblocked, and outside of a trap handler, since it was called.</summary>
    /// <returns>0 or -errno.</returns>
    int LookAtMasks();

    /// <summary>NMIs on this thread take no more of its time.</summary>
    void BlockNmis();

    /// <summary>Makes the batch the one that <see cref="IMachine.WriteBatch"/> writes, and its pages writable.</summary>
    /// <returns>0 or -errno; then all is as before.</returns>
    int OpenPages();

    /// <summary>Undoes what <see cref="OpenPages"/> did to the pages.</summary>
    void ClosePages();

    /// <summary>What it means to the caller that text could not be written, and all was put back.</summary>
    int ErrorOfWrite(int error);

    /// <summary>
    /// The batch could be neither changed nor put back: it moves out of the caller's memory, nothing is changed any more, and the
    /// gate stays open.
    /// </summary>
    /// <returns>-errno.</returns>
    int Keep();

    /// <summary>Undoes <see cref="Begin"/>.</summary>
    /// <param name="error">The result.</param>
    void End(int error);
}
