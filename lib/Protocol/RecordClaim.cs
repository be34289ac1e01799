namespace Ftrace.Protocol;

/// <summary>How a thread gets a record of its own, in whatever context, and how it is taken back when the thread has ended.</summary>
/// <remarks>
/// <code>
/// thread                                       whoever looks for threads that have ended
/// TryClaim: Free -> Changing                   in use, by a thread that has ended?
/// makes it empty                               Changing, from InUse      [claim]
/// Publish: writes its id; InUse    [claim]     still by one that has ended? else InUse again
///                                              makes it empty
///                                              Release: Free
/// </code>
/// <para>[claim] Between the look and the exchange somebody else may have taken the record back, and another thread may have claimed it.
/// So who has exchanged looks again: the id does not change any more, because its owner has written it before InUse, and nobody but
/// who made the record Changing writes it.</para>
/// </remarks>
[NoInstr]
internal static unsafe class RecordClaim<TMachine>
    where TMachine : struct, IThreadMachine
{
    /// <summary>True if the record is the caller's now, to be made empty and published.</summary>
    public static bool TryClaim(uint* state) => TMachine.Read(state) == ClaimState.Free
        && TMachine.Cmpxchg(state, ClaimState.Free, ClaimState.Changing) == ClaimState.Free;

    /// <summary>Says whose it is.</summary>
    public static void Publish(uint* state, uint* owner, int tid)
    {
        TMachine.Write(owner, (uint)tid);
        TMachine.Write(state, ClaimState.InUse); // after the id; stores stay in order
    }

    /// <summary>True if its thread has ended: the record is the caller's now, to be made empty and released.</summary>
    public static bool TryReap(uint* state, uint* owner, int pid)
    {
        if (TMachine.Read(state) != ClaimState.InUse
            || !TMachine.HasEnded(pid, (int)TMachine.Read(owner))
            || TMachine.Cmpxchg(state, ClaimState.InUse, ClaimState.Changing) != ClaimState.InUse)
        {
            return false;
        }

        if (TMachine.HasEnded(pid, (int)TMachine.Read(owner)))
        {
            return true;
        }

        TMachine.Write(state, ClaimState.InUse);
        return false;
    }

    /// <summary>Nobody's any more.</summary>
    public static void Release(uint* state) => TMachine.Write(state, ClaimState.Free);
}
