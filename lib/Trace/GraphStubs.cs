using Ftrace.Objects;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>The stubs of functions whose exits are traced: one for each site of an object, <see cref="StubKind.Graph"/>.</summary>
internal static unsafe class GraphStubs
{
    /// <summary>Makes sure that an object has stubs.</summary>
    /// <returns>False with an error of <see cref="StubArea.FindOrCreate"/>.</returns>
    public static bool Reserve(LoadedObject* target, out int error)
    {
        error = 0;
        if (target->GraphStubs == 0)
        {
            StubArea* area = StubArea.CreateGraph(target->FirstSite->Ip, target->FirstSite[target->SiteCount - 1].Ip, target->SiteCount, &Literals, target, out error);
            target->GraphStubs = area != null ? area->StubOf(0) : 0;
        }

        return target->GraphStubs != 0;
    }

    public static ulong Of(LoadedObject* target, Site* site) => target->GraphStubs + (ulong)(site - target->FirstSite) * StubArea.GraphStubSize;

    /// <summary>What a stub refers to: where the function continues, and the set of ops.</summary>
    private static void Literals(void* target, int number, out ulong next, out ulong set)
    {
        Site* site = ((LoadedObject*)target)->FirstSite + number;
        next = site->Ip + X86Instruction.CallSize;
        set = (ulong)&site->Current;
    }
}
