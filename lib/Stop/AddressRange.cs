using Ftrace.Nmi;
using Ftrace.Text;

namespace Ftrace.Stop;

/// <summary>Addresses from <see cref="Start"/> on, without <see cref="End"/>.</summary>
internal unsafe struct AddressRange
{
    public ulong Start;
    public ulong End;

    [NoInstr]
    public readonly bool Contains(ulong address) => address - Start < End - Start;

    /// <summary>True also for an address from which a thread goes into the range, although the range is nowhere in its state.</summary>
    [NoInstr]
    public readonly bool IsReachedFrom(ulong address)
    {
        if (Contains(address))
        {
            return true;
        }

        RedZoneSite* site = RedZoneText.SiteAround(address);
        if (site != null)
        {
            return Contains(site->Target) || Contains(site->Back);
        }

        GraphSlot* slot = GraphText.SlotAround(address);
        return slot != null ? Contains(slot->Ret) || Contains(slot->Ip) : TraceText.HidesTarget(address);
    }
}
