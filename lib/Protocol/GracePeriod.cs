namespace Ftrace.Protocol;

/// <summary>
/// Whether a thread has left the handlers that it entered before a grace period began. As userspace-rcu's membarrier flavour: the side
/// that waits pays for the barrier.
/// </summary>
/// <remarks>
/// <code>
/// thread, in Native/trace_entry.S              who waits, after the handler was taken out of the table
/// marks itself: Mark, Levels                   Begin: membarrier                      [grace]
/// (compiler and CPU may swap)                  read Pauses: from here on
/// reads the table                              read Mark, Levels, Pauses, until none is set, or
/// runs the handler                             the thread has come out of all handlers since
/// takes its mark away
/// the last one: Pauses + 1
/// </code>
/// <para>[grace] The membarrier falls between some two instructions of the thread. If that is after the mark, the mark is seen and
/// waited for; if it is before it, the thread reads the table after that, and finds the handler gone.</para>
/// <para>Handlers nest: in an NMI the thread marks itself at the level of that, and a handler that it was in before has its own mark. Each
/// level is looked at at some moment after the barrier, not all at the same: what is entered in between reads the table anew.</para>
/// </remarks>
/// <param name="mark">The thread's mark outside of NMIs.</param>
/// <param name="levels">A bit a level of NMI nesting.</param>
/// <param name="pauses">How often it has come out of all handlers.</param>
internal readonly unsafe struct GracePeriod<TMachine>(ulong* mark, ulong* levels, ulong* pauses)
    where TMachine : struct, IThreadMachine
{
    private readonly ulong _pausesBefore = TMachine.Read(pauses);

    /// <summary>Must be called, once for all threads, before anything of them is read. False if the system has no membarrier.</summary>
    public static bool Begin() => TMachine.Membarrier();

    /// <summary>True if the thread is in no handler that it entered before; but for those on stacks that it has left.</summary>
    public bool IsOver => !(TMachine.Read(mark) > Offsets.TraceMark_LookAside || TMachine.Read(levels) != 0)
        || TMachine.Read(pauses) != _pausesBefore;
}
