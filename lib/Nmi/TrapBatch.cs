using System.Threading;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Nmi;

/// <summary>The batch of the breakpoint method, for threads that execute one of its breakpoints.</summary>
[NoInstr]
internal static unsafe class TrapBatch
{
    /// <summary>Emulates the code of one location of the batch. See <see cref="Protocol.IMachine.Execute"/>.</summary>
    public static bool Execute(ulong ip, PatchCode code, void* context)
    {
        TrapState* state = TrapState.Shared;
        PatchOrder locations = state->Locations;
        int rank = locations.RankOf(state->Count, ip);
        if (rank == state->Count || locations.IpOf(rank) != ip)
        {
            return false;
        }

        FtracePatch* patch = locations[rank];
        Interlocked.Increment(ref state->Hits);
        X86Emulator.Execute(ip, code == PatchCode.Old ? patch->OldCode : patch->NewCode, patch->Len, (ulong)context);
        return true;
    }
}
