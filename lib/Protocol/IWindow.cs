namespace Ftrace.Protocol;

/// <summary>A stop that is on, for <see cref="ReleaseProtocol{TMachine}"/>.</summary>
internal interface IWindow
{
    /// <summary>Lets all threads go on that stand still.</summary>
    void LetGo();
}
