namespace Ftrace.Protocol;

/// <summary>What both methods begin and end with.</summary>
internal interface IGateSteps
{
    /// <summary>Opens the gate, unless the caller has done so.</summary>
    /// <returns>0 or -errno; then it is as before.</returns>
    int OpenGate();

    /// <summary>Undoes <see cref="OpenGate"/>.</summary>
    void CloseGate();
}
