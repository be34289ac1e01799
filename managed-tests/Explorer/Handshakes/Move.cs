namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>One thing that may happen next: a kind, a thread, and of an interrupt its program; of a step 1 if it gives up.</summary>
internal readonly record struct Move(char Kind, int Thread, int Which = 0)
{
    /// <summary>The topmost context of the thread takes its step.</summary>
    public const char Step = 's';

    /// <summary>The oldest store of its buffer reaches memory.</summary>
    public const char Flush = 'f';

    /// <summary>A signal handler begins on it.</summary>
    public const char Interrupt = 'i';
}
