using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>The table of registered ops, and the slots that refer to it. Called with the trace mutex held, except by traced calls.</summary>
internal static unsafe class TraceSlots
{
    /// <summary>How many ops can be registered.</summary>
    public const int MaxOps = 64;

    /// <summary>How many slots there are, and stubs in an area.</summary>
    public const int Count = StubArea.Count;

    /// <summary>
    /// Kinds of slots, by what is saved: 0 all registers, 1 all but vector registers, 2 call-clobbered registers, 3 of those all but vector
    /// registers. A slot's kind is its number modulo this.
    /// </summary>
    public const int Kinds = Offsets.TraceSlots_Kinds;

    private static TableEntry* s_table;
    private static TraceSlot* s_slots;
    private static int s_nextId;
    private static int s_nextSlot;

    public static TraceSlot* Slots => s_slots;

    /// <summary>Bit n: number n is in use, by a registered ops, or because some call still refers to it.</summary>
    private static ulong s_usedIds;

    private static int s_usedSlots;

    /// <summary>Numbers of ops that were removed, while calls or slots still refer to them.</summary>
    private static ulong GoneIds
    {
        get
        {
            ulong gone = s_usedIds;
            for (int id = 0; id < MaxOps; id++)
            {
                gone &= s_table == null || s_table[id].Ops == null ? ~0ul : ~(1ul << id);
            }

            return gone;
        }
    }

    /// <summary>So many slots are used that those which no call refers to should be freed.</summary>
    public static bool ManySlotsUsed => s_usedSlots > Count / Kinds / 2;

    public static bool Reserve()
    {
        s_table = s_table != null ? s_table : (TableEntry*)Memory.Map(MaxOps * (nuint)sizeof(TableEntry));
        Native.Table->OpsTable = s_table;
        if (s_slots == null)
        {
            // One more: the ops for late calls.
            s_slots = (TraceSlot*)Memory.Map((Count + 1) * (nuint)sizeof(TraceSlot));
            if (s_slots != null)
            {
                delegate*<ulong, ulong, FtraceOps*, void*, void> late = &CallLate;
                delegate*<ulong, ulong, FtraceOps*, void*, void> redirected = &CallLateRedirected;
                Fill(&s_slots[Count].List, late, redirected);
                *Native.Table->TraceSlots = (ulong)s_slots;
            }
        }

        GraphSlots.Reserve();
        return s_table != null && s_slots != null;
    }

    /// <summary>Adds an ops to the table.</summary>
    /// <returns>Its number, or -1 if the table is full.</returns>
    public static int Add(OpsRecord* record)
    {
        // Those of ftrace/graph.h have the lowest numbers; the others get them last.
        int next = record->IsGraph ? RecordedSets.FirstNumberFor(record->Ops, s_nextId) : s_nextId;
        int id = record->IsGraph ? -1 : FindFree(GraphSets.MaxOps, MaxOps - GraphSets.MaxOps, s_nextId);
        id = id < 0 ? FindFree(0, GraphSets.MaxOps, next) : id;
        if (id < 0)
        {
            return -1;
        }

        s_nextId = id + 1;
        s_usedIds |= 1ul << id;
        GraphSets* sets = GraphSets.Shared;
        sets->Graph = record->IsGraph ? sets->Graph | 1ul << id : sets->Graph & ~(1ul << id);
        bool isFull = !record->IsGraph || (record->Flags & (FtraceOps.NoVectors | FtraceOps.SaveRegs)) != FtraceOps.NoVectors;
        sets->Full = isFull ? sets->Full | 1ul << id : sets->Full & ~(1ul << id);
        s_table[id].RetiredIn = 0;
        Volatile.Write(ref *(ulong*)(s_table + id), (ulong)record->Ops);
        RecordedSets.NoteRecorder(record->Ops, id);
        return id;
    }

    private static int FindFree(int first, int count, int start)
    {
        for (int tried = 0; tried < count; tried++)
        {
            int id = first + (int)((uint)(start - first + tried) % (uint)count);
            if ((s_usedIds >> id & 1) == 0)
            {
                return id;
            }
        }

        return -1;
    }

    /// <summary>Removes an ops. No thread begins to call it from now on; <see cref="TraceGrace"/> waits for those that are calling it.</summary>
    public static void Remove(int id)
    {
        RecordedSets.ForgetRecorder(id);
        Volatile.Write(ref *(ulong*)(s_table + id), 0);
    }

    /// <summary>Notes which slots no call refers to any more, before a grace period begins.</summary>
    /// <param name="grace">The number of the grace period; each is higher than the one before.</param>
    public static void Retire(uint grace)
    {
        for (int i = 0; i < Count; i++)
        {
            s_slots[i].IsUsed = false;
        }

        ulong graphIds = 0; // ops of functions whose exits are traced
        ulong lastMask = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                ulong mask = target->FirstSite[i].Current;
                if (mask == 0 || mask == lastMask)
                {
                    continue;
                }

                lastMask = mask;
                if (GraphSets.Has(mask))
                {
                    graphIds |= mask;
                    continue;
                }

                s_slots[Find(mask)].IsUsed = true;
            }
        }

        for (int i = 0; i < Count; i++)
        {
            TraceSlot* slot = s_slots + i;
            if (slot->IsUsed || slot->Mask == 0)
            {
                slot->RetiredIn = 0;
            }
            else if (slot->RetiredIn == 0)
            {
                slot->RetiredIn = grace;
            }
        }

        for (int id = 0; id < MaxOps; id++)
        {
            TableEntry* entry = s_table + id;
            bool isUsed = entry->Ops != null || (graphIds >> id & 1) != 0;
            uint since = entry->RetiredIn != 0 ? entry->RetiredIn : grace;
            entry->RetiredIn = isUsed ? 0 : since;
        }
    }

    /// <summary>Frees slots, and the numbers of removed ops. Called after a grace period; other ones may have begun meanwhile.</summary>
    public static void FreeRetired(uint grace)
    {
        ulong used = 0;
        s_usedSlots = 0;
        for (int i = 0; i < Count; i++)
        {
            TraceSlot* slot = s_slots + i;
            if (slot->RetiredIn != 0 && slot->RetiredIn <= grace)
            {
                slot->Mask = 0;
                slot->RetiredIn = 0;
            }

            s_usedSlots += slot->Mask != 0 ? 1 : 0;
            used |= slot->Mask;
        }

        for (int id = 0; id < MaxOps; id++)
        {
            // Not those that were removed after this grace period had begun.
            uint retired = s_table[id].RetiredIn;
            used |= retired == 0 || retired > grace ? 1ul << id : 0;
        }

        ulong freed = s_usedIds & ~used & GoneIds;
        GraphSlots.Forget((uint)(freed & GraphSets.Shared->Graph));
        s_usedIds &= ~freed;
    }

    /// <summary>The slot for a set of ops; -1 if no slot is free.</summary>
    public static int Find(ulong mask)
    {
        for (int i = 0; i < Count; i++)
        {
            if (s_slots[i].Mask == mask)
            {
                s_slots[i].RetiredIn = 0;
                return i;
            }
        }

        int kind = KindOf(mask);
        for (int tried = 0; tried < Count; tried++)
        {
            int i = (s_nextSlot + tried) % Count;
            if (i % Kinds == kind && s_slots[i].Mask == 0)
            {
                s_nextSlot = (i + 1) % Count;
                Fill(s_slots + i, mask);
                s_usedSlots++;
                return i;
            }
        }

        return -1;
    }

    private static void Fill(TraceSlot* slot, ulong mask)
    {
        Fill(&slot->List, Native.Table->CallSet, Native.Table->CallSetRedirected);
        slot->ListEntry = &slot->List;
        Volatile.Write(ref slot->Mask, mask);
        bool single = (mask & (mask - 1)) == 0;
        FtraceOps** entry = single ? &s_table[BitOperations.TrailingZeroCount(mask)].Ops : &slot->ListEntry;
        Volatile.Write(ref *(ulong*)&slot->Entry, (ulong)entry);
    }

    private static void Fill(FtraceOps* list, void* call, void* redirected)
    {
        list->Func = call;
        list->Flags = FtraceOps.SaveRegs | TraceSlot.ListFlag; // the registers are passed to the ops that want them
        list->Data = redirected;
    }

    private static int KindOf(ulong mask)
    {
        bool vectors = false;
        bool regs = false;
        for (; mask != 0; mask &= mask - 1)
        {
            FtraceOps* ops = s_table[BitOperations.TrailingZeroCount(mask)].Ops;
            vectors |= ops != null && (ops->Flags & FtraceOps.NoVectors) == 0;
            regs |= ops != null && (ops->Flags & FtraceOps.SaveRegs) != 0;
        }

        return (vectors ? 0 : 1) + (regs ? 0 : 2);
    }

    /// <summary>
    /// The handler of a late call, which is not at its site any more: the thread was held up, and its slot may have other ops
    /// now, or the call is being changed. The ops of the site are called.
    /// </summary>
    [NoInstr]
    private static void CallLate(ulong ip, ulong parentIp, FtraceOps* list, void* registers) =>
        CallEach(ip, parentIp, LoadedObjects.CurrentAt(ip), registers, CallTarget.Handler);

    [NoInstr]
    private static void CallLateRedirected(ulong ip, ulong parentIp, FtraceOps* list, void* registers) =>
        CallEach(ip, parentIp, LoadedObjects.CurrentAt(ip), registers, CallTarget.TraceFunction);

    /// <param name="ip">As for a handler.</param>
    /// <param name="parentIp">Likewise.</param>
    /// <param name="mask">Which ops.</param>
    /// <param name="registers">For the ops that want them.</param>
    /// <param name="target">
    /// What the trampoline has decided, which has saved what is needed for it: see <see cref="TraceFunction"/>.
    /// </param>
    [NoInstr]
    private static void CallEach(ulong ip, ulong parentIp, ulong mask, void* registers, CallTarget target) =>
        Native.Table->CallOps(ip, parentIp, mask & ~GraphSets.Shared->Graph, registers, (int)target); // those began to see it after this call

    /// <summary>The pointer to an ops, at a multiple of 16: see <see cref="TraceThread"/>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = Offsets.OpsEntry_SizeOf)]
    private struct TableEntry
    {
        [FieldOffset(Offsets.OpsEntry_Ops)] public FtraceOps* Ops;

        /// <summary>The grace period after which nothing refers to the number; 0: something may.</summary>
        [FieldOffset(Offsets.OpsEntry_RetiredIn)] public uint RetiredIn;
    }
}
