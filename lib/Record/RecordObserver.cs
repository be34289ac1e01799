using Ftrace.JumpLabel;
using Ftrace.Objects;

namespace Ftrace.Record;

/// <summary>While a recording runs: its file and the marks of the host are to know all objects.</summary>
internal sealed unsafe class RecordObserver : ObjectObserver
{
    public static readonly RecordObserver Instance = new();

    public override void Look()
    {
        RecordedObjects.Update();
        Marks.Apply();
    }

    public override void NoteClosed(LoadedObject* closed) => RecordedObjects.NoteClosed(closed);
}
