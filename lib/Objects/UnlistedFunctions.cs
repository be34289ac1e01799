using System;
using Ftrace.Elf;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary>
/// Functions that have room for a call, but are not in the compiler's list: the linker dropped the list, or a part of it. They are
/// recognized by their first bytes, at the addresses in the unwinder's table.
/// </summary>
internal static unsafe class UnlistedFunctions
{
    /// <summary>Counts them, once for each object.</summary>
    public static int Count(LoadedObject* target)
    {
        if (target->UnlistedAreCounted)
        {
            return target->UnlistedCount;
        }

        var unwind = new UnwindIndex(&target->Image);
        int count = 0;
        ulong readable = 0; // a page
        for (uint i = 0; i < unwind.Count; i++)
        {
            ulong start = unwind.StartOf(i);
            count += HasRoom(target, start, ref readable) && !IsListed(target, start) ? 1 : 0;
        }

        target->UnlistedCount = count;
        target->UnlistedAreCounted = true;
        return count;
    }

    private static bool HasRoom(LoadedObject* target, ulong start, ref ulong readable)
    {
        int length = PatchableEntry.RoomBytes;
        while (length > 0 && !target->Image.Contains(start, (ulong)length, ProgramHeader.Code))
        {
            length--;
        }

        return length > 0
            && CanRead(start, ref readable)
            && CanRead(start + (ulong)length - 1, ref readable)
            && PatchableEntry.IsRoom(new ReadOnlySpan<byte>((void*)start, length));
    }

    /// <summary>False on pages after the end of a file that was truncated. The addresses are mostly in order.</summary>
    private static bool CanRead(ulong address, ref ulong readable)
    {
        ulong page = address & ~((ulong)Memory.PageSize - 1);
        bool can = page == readable || OwnMemory.CanRead(page);
        readable = can ? page : readable;
        return can;
    }

    private static bool IsListed(LoadedObject* target, ulong start)
    {
        int low = 0;
        int high = target->SiteCount;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            bool before = target->FirstSite[middle].Ip < start;
            low = before ? middle + 1 : low;
            high = before ? high : middle;
        }

        return low < target->SiteCount && target->FirstSite[low].Ip - start <= PatchableEntry.MaxSledOffset;
    }
}
