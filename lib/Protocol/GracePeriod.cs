namespace Ftrace.Protocol;

/// <summary>
/// Whether a thread has left the handlers that it entered before a grace period began. As userspace-rcu's membarrier flavour: the side
/// that waits pays for the barrier.
/// </summary>
/// <remarks>
/// <code>
/// thread, in Native/trace_entry.S              who waits, after the handler was removed from the table
/// marks itself: Mark, Levels                   Begin: membarrier                               [grace]
/// (compiler and CPU may swap)                  reads QuiescentStates: the snapshot
/// reads the table                              reads Mark, Levels, QuiescentStates until no mark is left,
/// runs the handler                             or the count differs from the snapshot
/// removes its mark
/// if it was the last: QuiescentStates + 1
/// </code>
/// <para>[grace] The membarrier falls between two instructions of the thread. If that is after the mark, the waiting side sees the mark; if
/// it is before, the thread reads the table later and finds the handler gone.</para>
/// <para>Handlers nest: in an NMI the thread marks itself at the level of that NMI, and the handler that it interrupted keeps its own mark.
/// The levels need not be read at one moment, only after the barrier: a handler that begins in between reads the new table.</para>
/// </remarks>
/// <param name="mark">The mark of the handler that runs outside of NMIs.</param>
/// <param name="levels">A bit for each level of NMI nesting.</param>
/// <param name="quiescentStates">How often the thread has left all handlers.</param>
internal readonly unsafe struct GracePeriod<TMachine>(ulong* mark, ulong* levels, ulong* quiescentStates)
    where TMachine : struct, IThreadMachine
{
    private readonly ulong _snapshot = TMachine.Read(quiescentStates);

    /// <summary>Must be called once, before the words of any thread are read. False if the system has no membarrier.</summary>
    public static bool Begin() => TMachine.Membarrier();

    /// <summary>True if the thread has left the handlers that it had entered before, except those on stacks that it left.</summary>
    public bool IsOver => !(TMachine.Read(mark) > Offsets.TraceMark_LookAside || TMachine.Read(levels) != 0)
        || TMachine.Read(quiescentStates) != _snapshot;
}
