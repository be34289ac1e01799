using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>The window that is open, for <see cref="ReleaseProtocol{TMachine}"/>.</summary>
internal unsafe struct StopWindow : IWindow
{
    /// <summary>When its threads were let go.</summary>
    public long ReleasedNs { get; private set; }

    /// <inheritdoc/>
    public void LetGo() => ReleasedNs = StopMachine.Release(StopState.Shared);
}
