using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Objects;

namespace Ftrace.Trace;

/// <summary>
/// FTRACE_OPS_FL_IPMODIFY: only one ops may change where a function continues. Called with the trace mutex and the loader's lock held.
/// Source: __ftrace_hash_update_ipmodify() in the kernel's kernel/trace/ftrace.c.
/// </summary>
internal static unsafe class IpModify
{
    private const int LineSize = 400;
    private const int LongestName = 200;

    /// <summary>Checks what an ops wants, before the text is changed.</summary>
    /// <param name="records">All ops.</param>
    /// <param name="record">The ops, whose bits in <see cref="Site.Wanted"/> are set.</param>
    /// <returns>0, or -EBUSY if another ops with the flag has one of its functions.</returns>
    public static int Verify(OpsRecord* records, OpsRecord* record)
    {
        ulong others = MaskOf(records) & ~(1ul << record->Id);
        if (!record->ModifiesIp || others == 0)
        {
            return 0;
        }

        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                Site* site = target->FirstSite + i;
                if ((site->Wanted >> record->Id & 1) != 0 && (site->Wanted & others) != 0)
                {
                    Report(site);
                    return -Errno.EBUSY;
                }
            }
        }

        return 0;
    }

    /// <summary>Leaves each function of a new object to the ops that was registered first.</summary>
    /// <returns>0, or -EBUSY if an ops does not get a function that it wants.</returns>
    public static int Resolve(OpsRecord* records, LoadedObject* target)
    {
        ulong all = MaskOf(records);
        if (BitOperations.PopCount(all) < 2)
        {
            return 0;
        }

        int error = 0;
        int changing = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            error = Resolve(records, all, site) ? error : -Errno.EBUSY;
            changing += site->Wanted != site->Current ? 1 : 0;
        }

        target->Changing = changing;
        return error;
    }

    /// <summary>The same for one function, which another tool had changed. The ops that has it keeps it.</summary>
    public static void Resolve(OpsRecord* records, Site* site) => Resolve(records, MaskOf(records), site);

    private static bool Resolve(OpsRecord* records, ulong all, Site* site)
    {
        ulong modifying = site->Wanted & all;
        if (BitOperations.PopCount(modifying) < 2)
        {
            return true;
        }

        ulong current = site->Current & modifying;
        site->Wanted &= ~modifying | (current != 0 ? current : FirstOf(records, modifying));
        Report(site);
        return false;
    }

    private static ulong MaskOf(OpsRecord* records)
    {
        ulong mask = 0;
        for (OpsRecord* record = records; record != null; record = record->Next)
        {
            mask |= record->ModifiesIp ? 1ul << record->Id : 0;
        }

        return mask;
    }

    private static ulong FirstOf(OpsRecord* records, ulong mask)
    {
        OpsRecord* first = null;
        for (OpsRecord* record = records; record != null; record = record->Next)
        {
            bool isOne = record->Id >= 0 && (mask >> record->Id & 1) != 0;
            first = isOne && (first == null || record->Registration < first->Registration) ? record : first;
        }

        return 1ul << first->Id;
    }

    private static void Report(Site* site)
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(DisplayNames.NameOf(site));
        line.Add("ftrace: "u8);
        line.Add(name[..Math.Min(name.Length, LongestName)]);
        line.Add(" at 0x"u8);
        line.AddHex(site->Ip);
        line.Add(": another ops with FTRACE_OPS_FL_IPMODIFY has this function"u8);
        line.Print();
    }
}
