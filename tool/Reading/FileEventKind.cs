namespace Ftrace.Tool.Reading;

/// <summary>The kind of an event in the file that is not an entry or an exit.</summary>
internal enum FileEventKind
{
    Padding = 1,
    End = 2,
    Mark = 3,
    Sample = 4,
    Entry = 5,
    Lost = 6,
    Switched = 7,
}
