using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>
/// The code that jumps of <c>ftrace_make_call_redzone()</c> lead to: a stub near each site, <see cref="StubArea"/>, and Native/redzone.S.
/// </summary>
[NoInstr]
internal static unsafe class RedZoneText
{
    /// <summary>How many sites there can be.</summary>
    public const int Count = Offsets.RedZone_Count;

    private static int s_used;

    /// <summary>The sites, by the number of their stubs. None is ever changed or removed.</summary>
    public static RedZoneSite* Sites => (RedZoneSite*)Native.Table->RedZoneSites;

    /// <summary>How many there are.</summary>
    public static int Used => Volatile.Read(ref s_used);

    /// <summary>Adds a site. Called with the trace mutex held.</summary>
    public static void Add(RedZoneSite site)
    {
        Sites[s_used] = site;
        Volatile.Write(ref s_used, s_used + 1);
    }

    /// <summary>The site in whose code an address is; null if it is in none. A thread there will go to two more addresses.</summary>
    public static RedZoneSite* SiteAround(ulong address)
    {
        int used = Used;
        if (used == 0)
        {
            return null;
        }

        ulong offset = address - (ulong)Native.Table->RedZoneCallers;
        int number = offset < Count * Offsets.RedZone_CallerSize
            ? (int)offset / Offsets.RedZone_CallerSize
            : StubArea.NumberOf(StubKind.RedZone, address);
        return (uint)number < (uint)used ? Sites + number : null;
    }
}
