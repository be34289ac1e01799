using System.Numerics;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>The table of registered ops, and the slots that refer to it. Called with the trace mutex held, but for the list.</summary>
internal static unsafe class TraceSlots
{
    /// <summary>Ops that can be registered.</summary>
    public const int MaxOps = 64;

    /// <summary>Slots. Even ones save the vector registers, odd ones do not.</summary>
    public const int Count = 1024;

    private static FtraceOps** s_table;
    private static TraceSlot* s_slots;
    private static int s_nextId;
    private static int s_nextSlot;

    public static TraceSlot* Slots => s_slots;

    [NoInstr]
    private static FtraceOps** Table => s_table;

    public static bool Reserve()
    {
        s_table = s_table != null ? s_table : (FtraceOps**)Memory.Map(MaxOps * (nuint)sizeof(FtraceOps*));
        s_slots = s_slots != null ? s_slots : (TraceSlot*)Memory.Map(Count * (nuint)sizeof(TraceSlot));
        return s_table != null && s_slots != null;
    }

    /// <summary>Puts an ops into the table. The number freed last comes last: a thread may be late with it.</summary>
    /// <returns>Its number, or -1 if the table is full.</returns>
    public static int Add(FtraceOps* ops)
    {
        for (int tried = 0; tried < MaxOps; tried++)
        {
            int id = (s_nextId + tried) % MaxOps;
            if (s_table[id] == null)
            {
                s_nextId = (id + 1) % MaxOps;
                Volatile.Write(ref *(ulong*)(s_table + id), (ulong)ops);
                return id;
            }
        }

        return -1;
    }

    /// <summary>Takes an ops out. From now on nobody begins to call it; who does so now is found by <see cref="TraceGrace"/>.</summary>
    public static void Remove(int id) => Volatile.Write(ref *(ulong*)(s_table + id), 0);

    /// <summary>Forgets the slots that name an ops that was removed. Called after the grace period.</summary>
    public static void Forget(int id)
    {
        for (int i = 0; i < Count; i++)
        {
            if ((s_slots[i].Mask >> id & 1) != 0)
            {
                s_slots[i].Mask = 0;
            }
        }
    }

    /// <summary>The slot for a set of ops; -1 if there is none left.</summary>
    public static int Find(ulong mask)
    {
        for (int i = 0; i < Count; i++)
        {
            if (s_slots[i].Mask == mask)
            {
                return i;
            }
        }

        int kind = NeedsVectors(mask) ? 0 : 1;
        for (int tried = 0; tried < Count; tried++)
        {
            int i = (s_nextSlot + tried) % Count;
            if (i % 2 == kind && s_slots[i].Mask == 0)
            {
                s_nextSlot = (i + 1) % Count;
                Fill(s_slots + i, mask);
                return i;
            }
        }

        return -1;
    }

    private static void Fill(TraceSlot* slot, ulong mask)
    {
        slot->List.Func = (delegate*<ulong, ulong, FtraceOps*, void*, void>)&CallAll;
        slot->ListEntry = &slot->List;
        Volatile.Write(ref slot->Mask, mask);
        bool single = (mask & (mask - 1)) == 0;
        FtraceOps** entry = single ? s_table + BitOperations.TrailingZeroCount(mask) : &slot->ListEntry;
        Volatile.Write(ref *(ulong*)&slot->Entry, (ulong)entry);
    }

    private static bool NeedsVectors(ulong mask)
    {
        for (int id = 0; id < MaxOps; id++)
        {
            if ((mask >> id & 1) != 0 && (s_table[id]->Flags & FtraceOps.NoVectors) == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The handler of a set: calls those that are still there. Any context, marked as being in a handler.</summary>
    [NoInstr]
    private static void CallAll(ulong ip, ulong parentIp, FtraceOps* list, void* registers)
    {
        var slot = (TraceSlot*)((byte*)list - OffsetOfList);
        ulong mask = Volatile.Read(ref slot->Mask);
        for (int id = 0; mask != 0; id++, mask >>= 1)
        {
            FtraceOps* ops = (mask & 1) == 0 ? null : (FtraceOps*)Volatile.Read(ref *(ulong*)(Table + id));
            if (ops != null)
            {
                Native.Table->CallOps(ip, parentIp, ops, registers);
            }
        }
    }

    private const int OffsetOfList = 16;
}
