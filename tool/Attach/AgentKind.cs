namespace Ftrace.Tool.Attach;

/// <summary>What the agent in a process can be asked for, apart from what the trace file takes: docs/agent.md.</summary>
internal enum AgentKind : uint
{
    Hello = 16,
    Start = 17,
    Stop = 18,
}
