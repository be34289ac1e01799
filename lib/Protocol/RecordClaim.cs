namespace Ftrace.Protocol;

/// <summary>How a thread gets a record of its own, in any context, and how the record is taken back when the thread has ended.</summary>
/// <remarks>
/// <code>
/// thread                                       any thread
/// TryClaim: Free -> Changing                   TryReap: InUse, and the owner has ended?
/// clears the record                            InUse -> Changing                             [claim]
/// Publish: owner; InUse            [claim]     has the owner ended? if not: InUse
///                                              clears the record
///                                              Release: Free
/// </code>
/// <para>[claim] Between the first look and the exchange another thread may have taken the record back, and a third may have claimed it.
/// So the owner is looked at again after the exchange. It does not change any more: it was written before InUse, and only the thread
/// that made the record Changing writes it.</para>
/// </remarks>
[NoInstr]
internal static unsafe class RecordClaim<TMachine>
    where TMachine : struct, IThreadMachine
{
    /// <summary>True if the record is the caller's now, to be cleared and published.</summary>
    public static bool TryClaim(uint* state) => TMachine.Read(state) == ClaimState.Free
        && TMachine.Cmpxchg(state, ClaimState.Free, ClaimState.Changing) == ClaimState.Free;

    /// <summary>The record has an owner.</summary>
    public static void Publish(uint* state, uint* owner, int tid)
    {
        TMachine.Write(owner, (uint)tid);
        TMachine.Write(state, ClaimState.InUse); // after the id; stores stay in order
    }

    /// <summary>True if the owner has ended: the record is the caller's now, to be cleared and released.</summary>
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

    /// <summary>The record is free.</summary>
    public static void Release(uint* state) => TMachine.Write(state, ClaimState.Free);
}
