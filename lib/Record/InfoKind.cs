namespace Ftrace.Record;

/// <summary>Kinds of records of information: docs/trace-format.md.</summary>
internal enum InfoKind : uint
{
    Process = 1,
    Clock = 2,
    Object = 3,
    ObjectClosed = 4,
    Symbols = 5,
    Thread = 6,
    ThreadEnded = 7,
    Options = 8,
    Lost = 9,
    Snapshot = 10,
    OtherSymbols = 11,
}
