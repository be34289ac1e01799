using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>The breakpoint method is not here yet.</summary>
internal static unsafe class BreakpointMethod
{
    /// <returns>-EOPNOTSUPP.</returns>
    public static int Patch(PatchBatch batch, PatchRequest request, NmiThread* self) => -Errno.EOPNOTSUPP;

    public static bool IsKept(PatchBatch batch) => false;
}
