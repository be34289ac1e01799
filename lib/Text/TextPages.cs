using System;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>
/// The pages of a batch: finds them, opens them for writing in one way or the other, and restores them. The kernel's
/// probe_kernel_read(), set_kernel_text_rw() and set_kernel_text_ro().
/// </summary>
/// <remarks>
/// Called with the patch mutex held, and, except for <see cref="Reserve"/>, the stop mutex. In a window no other thread maps, unmaps or
/// protects memory.
/// </remarks>
internal static unsafe partial class TextPages
{
    private const int MaxRegions = 65536;
    private const int BufferSize = TextWriter.MaxRun;

    private static TextRegion* s_regions;
    private static int s_count;
    private static byte* s_buffer;

    /// <summary>Reserves what the lookup needs.</summary>
    public static bool Reserve()
    {
        s_regions = s_regions != null ? s_regions : (TextRegion*)Memory.Map((nuint)MaxRegions * (nuint)sizeof(TextRegion));
        if (s_buffer == null)
        {
            // One buffer for both, one after the other: the map has been read when the first run is put together.
            s_buffer = (byte*)Memory.Map(BufferSize);
            TextWriter.Attach(s_buffer);
        }

        return s_regions != null && s_buffer != null;
    }

    /// <summary>
    /// Finds the mappings of a batch, and its errors: -EFAULT for what is not mapped or cannot be read,
    /// -EACCES for what is not executable or, unless that is allowed, ours.
    /// </summary>
    /// <param name="batch">The locations.</param>
    /// <param name="allowsOwnText">They may be this library's text.</param>
    /// <param name="foundAll">True if no location has an error. If false, the error of each has to be read.</param>
    /// <returns>0 if the lookup was made (the locations have their errors), or -errno.</returns>
    public static int Lookup(PatchBatch batch, bool allowsOwnText, out bool foundAll)
    {
        foundAll = false;
        var maps = new MapsReader(s_buffer, BufferSize);
        int error = maps.Open();
        if (error != 0)
        {
            return ErrorOfMap(error);
        }

        s_count = 0;
        foundAll = true;
        int rank = 0;
        ulong need = batch.IpOf(0); // the first byte of the location at this rank that is not yet found
        while (rank < batch.Count && maps.Next(need, out MapEntry map))
        {
            if (map.End <= need)
            {
                continue;
            }

            for (; rank < batch.Count && need < map.Start; need = IpOf(batch, ++rank))
            {
                foundAll = false;
                batch[rank]->Error = -Errno.EFAULT;
            }

            if (rank == batch.Count)
            {
                break; // the last ones are before this mapping
            }

            int next = batch.RankOf(map.End);
            if (rank >= next && need >= map.End)
            {
                continue;
            }

            // A location may continue in the next mapping; then it is the last one of this mapping, and the first one of the next.
            next = Math.Max(next, rank + 1);
            FtracePatch* last = batch[next - 1];
            ulong end = last->Ip + last->Len;
            error = Check(map, allowsOwnText);
            foundAll &= error == 0 && end >= last->Ip;
            if (error == 0 && end < last->Ip)
            {
                last->Error = -Errno.EFAULT; // beyond the end of the address space
                end = map.End;
            }

            if (error == 0 && !AddRegion(batch, map, need, Math.Min(end, map.End), rank, next))
            {
                maps.Close();
                return -Errno.ENOMEM;
            }

            for (int i = rank; error != 0 && i < next; i++)
            {
                batch[i]->Error = error;
            }

            bool goesOn = error == 0 && end > map.End;
            rank = goesOn ? next - 1 : next;
            need = goesOn ? map.End : IpOf(batch, rank);
        }

        maps.Close();
        for (; rank < batch.Count; rank++)
        {
            foundAll = false;
            batch[rank]->Error = -Errno.EFAULT;
        }

        if (!CanReadAll())
        {
            foundAll = false;
            ProbeRead(batch);
        }

        return 0;
    }

    private static ulong IpOf(PatchBatch batch, int rank) => rank < batch.Count ? batch.IpOf(rank) : 0;

    private static int Check(MapEntry map, bool allowsOwnText)
    {
        if ((map.Protection & Memory.ProtRead) == 0)
        {
            return -Errno.EFAULT;
        }

        bool ours = map.Start < Native.Table->ImageEnd && map.End > Native.Table->ImageStart;
        return (ours && !allowsOwnText) || (map.Protection & Memory.ProtExec) == 0 ? -Errno.EACCES : 0;
    }

    /// <summary>Notes the pages of the locations from <paramref name="rank"/> to before <paramref name="next"/>, which are in one mapping.</summary>
    private static bool AddRegion(PatchBatch batch, MapEntry map, ulong from, ulong to, int rank, int next)
    {
        if (s_count == MaxRegions)
        {
            return false;
        }

        bool everyPage = true;
        for (ulong before = PageOf(from); rank < next && !batch.CoversItsPages; rank++)
        {
            ulong page = PageOf(Math.Max(batch.IpOf(rank), from));
            everyPage &= page - before <= Memory.PageSize;
            before = page;
        }

        s_regions[s_count++] = new TextRegion
        {
            Start = PageOf(from),
            End = PageOf(to + Memory.PageSize - 1),
            First = from,
            Protection = map.Protection,
            EveryPage = everyPage,
        };
        return true;
    }

    /// <summary>The error that a call returns if text could not be written although the pages were open.</summary>
    public static int ErrorOfWrite(int error) => error is 0 or -Errno.ENOMEM ? error : -Errno.EPERM;

    /// <summary>
    /// Makes the pages of a batch writable, and faults them in, so that a write cannot fail, and raises no page fault
    /// while NMIs wait for it.
    /// </summary>
    private static int MakeWritable(PatchBatch batch)
    {
        bool failed = false;
        for (int i = 0; i < s_count; i++)
        {
            TextRegion* region = s_regions + i;
            if (Protect(region, region->Protection | Memory.ProtWrite) != 0 || !PopulateForWriting(batch, region))
            {
                Fail(batch, region);
                failed = true;
            }
        }

        if (failed)
        {
            Restore();
        }

        return failed ? -Errno.EPERM : 0;
    }

    /// <summary>Restores all protections.</summary>
    [NoInstr]
    private static void Restore()
    {
        for (int i = 0; i < s_count; i++)
        {
            Protect(s_regions + i, s_regions[i].Protection);
        }
    }

    private static void Fail(PatchBatch batch, TextRegion* region)
    {
        for (int rank = batch.RankReaching(region->Start); rank < batch.Count && batch[rank]->Ip < region->End; rank++)
        {
            batch[rank]->Error = -Errno.EPERM;
        }
    }

    private static ulong PageOf(ulong address) => address & ~(ulong)(Memory.PageSize - 1);
}
