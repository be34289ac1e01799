using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Stop;

/// <summary>
/// The threads of the process, as of the last scan. A record belongs to its thread until the thread has ended:
/// a late signal of an old stop must find the same record.
/// </summary>
/// <remarks>
/// A record is looked up by thread id through a sparse array: an entry is valid only if the record that it names has that
/// id (Briggs and Torczon, "An efficient representation for sparse sets"), so it never has to be cleared.
/// Both arrays are reserved as a whole and take memory only where they are touched. They never move, because
/// threads write to their records at any time.
/// </remarks>
internal static unsafe class ThreadTable
{
    /// <summary>The number of records.</summary>
    public const int Capacity = StopState.MaxThreads;

    /// <summary>The kernel's PID_MAX_LIMIT.</summary>
    private const int MaxTid = 4 * 1024 * 1024;

    private static ThreadRecord* s_records;
    private static uint* s_slots;
    private static int s_used;
    private static int s_free;

    /// <summary>Records from 0 to this one may be in use.</summary>
    public static int Used => s_used;

    public static ThreadRecord* Records => s_records;

    /// <summary>Reserves the memory.</summary>
    public static bool Reserve()
    {
        s_records = s_records != null ? s_records : (ThreadRecord*)Memory.Map((nuint)Capacity * (nuint)sizeof(ThreadRecord));
        s_slots = s_slots != null ? s_slots : (uint*)Memory.Map((nuint)MaxTid * sizeof(uint));
        return s_records != null && s_slots != null;
    }

    /// <summary>The record of a thread, or null.</summary>
    public static ThreadRecord* Find(int tid)
    {
        uint slot = s_slots[tid];
        return slot < (uint)s_used && s_records[slot].Tid == tid ? s_records + slot : null;
    }

    /// <summary>Adds a record for a thread that has none; null if the table is full.</summary>
    public static ThreadRecord* Add(int tid)
    {
        int slot = s_used;
        if (s_free > 0)
        {
            slot = 0;
            while (s_records[slot].Tid != 0)
            {
                slot++;
            }

            s_free--;
        }
        else if (s_used == Capacity)
        {
            return null;
        }
        else
        {
            s_used++;
        }

        s_records[slot] = default;
        s_records[slot].Tid = tid;
        s_slots[tid] = (uint)slot;
        return s_records + slot;
    }

    /// <summary>Frees the record of a thread that has ended.</summary>
    public static void Remove(ThreadRecord* record)
    {
        record->Tid = 0;
        s_free++;
    }

    /// <summary>Frees all records, in the child of a fork.</summary>
    [NoInstr]
    public static void Clear()
    {
        for (int i = 0; i < s_used; i++)
        {
            s_records[i].Tid = 0;
        }

        s_used = 0;
        s_free = 0;
    }
}
