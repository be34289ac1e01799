namespace Ftrace.Record;

/// <summary>What another process can ask for: docs/control.md.</summary>
internal enum ControlKind : uint
{
    Status = 1,
    On = 2,
    Off = 3,
    Filter = 4,
    Notrace = 5,
    Depth = 6,
    MinTime = 7,
    Snapshot = 8,
    Trigger = 9,
    Detach = 10,
}
