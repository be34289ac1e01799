using Ftrace.Objects;
using Ftrace.Text;

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
            Site* first = target->FirstSite;
            var sites = new GraphStubSites { Ip = &first->Ip, Set = &first->Current, Stride = sizeof(Site), Count = target->SiteCount };
            StubArea* area = StubArea.CreateGraph(sites, out error);
            target->GraphStubs = area != null ? area->StubOf(0) : 0;
        }

        return target->GraphStubs != 0;
    }

    public static ulong Of(LoadedObject* target, Site* site) => target->GraphStubs + (ulong)(site - target->FirstSite) * StubArea.GraphStubSize;
}
