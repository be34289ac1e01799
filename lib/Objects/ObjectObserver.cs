namespace Ftrace.Objects;

/// <summary>Who wants to know about objects that are opened and closed. Called with the trace mutex and the loader's lock held.</summary>
internal abstract unsafe class ObjectObserver
{
    /// <summary>Objects may be new.</summary>
    public abstract void Look();

    /// <summary>An object was closed.</summary>
    public abstract void NoteClosed(LoadedObject* closed);
}
