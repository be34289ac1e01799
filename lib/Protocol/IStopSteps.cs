namespace Ftrace.Protocol;

/// <summary>What <see cref="StopSequence{TMachine, TSteps}"/> puts in order, for one batch.</summary>
internal interface IStopSteps : IGateSteps
{
    /// <summary>Stops all other threads.</summary>
    /// <returns>0 or -errno; then all run.</returns>
    int OpenWindow();

    /// <summary>Finds out whether the batch can be changed, and makes its pages writable. Changes no text.</summary>
    /// <returns>0 or -errno; then all is as before.</returns>
    int Prepare();

    /// <summary>How many locations there are.</summary>
    int Count { get; }

    /// <summary>Makes a unit ready to be written, by anybody; the one before is not in use any more.</summary>
    /// <param name="from">The rank of its first location.</param>
    /// <param name="to">Where it has to end.</param>
    /// <param name="code">What is to be written.</param>
    TextUnit NextUnit(int from, int to, PatchCode code);

    /// <summary>Undoes what <see cref="Prepare"/> did to the pages.</summary>
    void ClosePages();

    /// <summary>Lets threads that stand inside of a location go on at its end.</summary>
    void MoveThreads();

    /// <summary>What it means to the caller that <see cref="IMachine.WriteText"/> failed, and all was put back.</summary>
    int ErrorOfWrite(int error);

    /// <summary>The batch could be neither changed nor put back: from here on nothing is changed any more, and the gate stays open.</summary>
    /// <returns>-errno.</returns>
    int GiveUp();

    /// <summary>Undoes <see cref="OpenWindow"/>, by <see cref="ReleaseProtocol{TMachine}"/>.</summary>
    void CloseWindow();
}
