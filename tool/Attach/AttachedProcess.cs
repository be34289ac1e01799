using System;

namespace Ftrace.Tool.Attach;

/// <summary>A process whose agent listens to this one. When it is disposed of, or this process ends, the connection ends, and the agent with it.</summary>
/// <param name="pid">The process.</param>
/// <param name="socket">The connection: a SOCK_SEQPACKET socket, of which this is the owner.</param>
internal sealed class AttachedProcess(int pid, int socket) : IDisposable
{
    public int Pid { get; } = pid;

    /// <summary>The connection to the agent, see docs/agent.md.</summary>
    public int Socket { get; private set; } = socket;

    /// <summary>Which thread was borrowed.</summary>
    public required AttachPath Path { get; init; }

    /// <summary>True if the process had the library before.</summary>
    public required bool WasLoaded { get; init; }

    /// <summary>How long the borrowed thread stood still.</summary>
    public required TimeSpan StoodStill { get; init; }

    /// <summary>How long it took in all.</summary>
    public required TimeSpan Took { get; init; }

    public void Dispose()
    {
        if (Socket >= 0)
        {
            Libc.Close(Socket);
            Socket = -1;
        }
    }
}
