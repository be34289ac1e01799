using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>
/// Gives threads the slots of calls whose exits are traced, in chunks, and finds those of calls that were left without a return. Called by
/// Native/graph.c, in any context; a handler of a signal may interrupt this on the same thread.
/// </summary>
/// <remarks>
/// <para>A call that was left by unwinding or by a jump never frees its slot. It is over if its stack has been taken down past its return
/// address. For the thread's own stack, the stack pointer shows it. For other stacks, what is where the return address was: while the call
/// goes on, that is the address in the block, the true one, or what the block pushes.</para>
/// <para>A chunk belongs to a thread until the thread has ended and no call has one of its slots: calls may still return, on other threads, if
/// their stack was moved.</para>
/// </remarks>
[NoInstr]
internal static unsafe class GraphSlots
{
    private const ulong Free = 0;

    /// <summary>The owner has ended, but calls may have slots of the chunk.</summary>
    private const ulong Orphan = 1;

    /// <summary>A thread looks whether they have.</summary>
    private const ulong Changing = 2;

    /// <summary>
    /// A thread keeps its chunks until it ends, however deep it was only once. So it takes no more than this times the chunks that are left
    /// for other threads. Those of threads that have ended do not count.
    /// </summary>
    private const int MaxShare = 16;

    private const uint MaxBackoff = 1 << 20;
    private const uint FirstBackoff = 64;

    /// <summary>Instead of the cursor of an owner that has ended.</summary>
    private static ulong s_noCursor;

    /// <summary>Chunks from 1 to this one were used. The first one has no owner: a thread without slots finds its header.</summary>
    private static int s_used = 1;

    /// <summary>How many of them may be free.</summary>
    private static int s_given;

    /// <summary>Before the first call can get here: a thread that has no slot must not find one that is free.</summary>
    /// <remarks>To a call that is nested in no other, the first header is the one that it is nested in.</remarks>
    public static void Reserve()
    {
        GraphText.HeaderOf(0)->Word = ulong.MaxValue;
        GraphText.Slots->Depth = uint.MaxValue;
    }

    /// <summary>Finds a free slot for a thread, to which its cursor leads then.</summary>
    /// <param name="record">The thread's.</param>
    /// <param name="word">The call that needs one returns to the address below.</param>
    /// <param name="reclaims">0: slots of calls that were left may be in use by code that the caller has interrupted.</param>
    /// <returns>Not 0 if there is one.</returns>
    public static int Refill(TraceThread* record, ulong word, int reclaims)
    {
        if (reclaims == 0)
        {
            return ToInt(TryFind(record) || TryTake(record, word));
        }

        if (record->GraphSkip > 0)
        {
            record->GraphSkip--;
            return 0;
        }

        if (record->GraphChunkCount < record->GraphScanAt || record->GraphChunkCount == 0)
        {
            if (TryTake(record, word))
            {
                return 1;
            }
        }

        KeepLinked(record);
        uint found = 0;
        for (ulong chunk = record->GraphChunks; chunk != 0; chunk = GraphText.HeaderOf((int)chunk - 1)->Next)
        {
            found += Reclaim(record, (int)chunk - 1, word, links: true);
        }

        // If few were found, the search is not worth while again until there are twice as many.
        bool few = found < record->GraphChunkCount * (GraphText.PerChunk - 1) / 4;
        record->GraphScanAt = few ? 2 * record->GraphChunkCount + 1 : record->GraphChunkCount;
        if (few && TryTake(record, word))
        {
            found++;
        }

        record->GraphBackoff = found != 0 ? 0 : NextBackoff(record);
        record->GraphSkip = record->GraphBackoff;
        return found != 0 ? 1 : 0;
    }

    /// <summary>
    /// Excepts the slots of linked calls from the search: those that were left are closed when the calls that are nested in them have been.
    /// Some look like outer ones, because the thread has gone deeper since.
    /// </summary>
    private static void KeepLinked(TraceThread* record)
    {
        for (GraphSlot* slot = GraphText.SlotWithId(record->GraphTop); slot != null; slot = GraphText.SlotWithId(slot->Parent))
        {
            slot->Flags |= Offsets.GraphSlot_Linked;
        }
    }

    private static uint NextBackoff(TraceThread* record)
    {
        uint next = 2 * record->GraphBackoff;
        uint first = FirstBackoff + record->GraphChunkCount;
        next = next < first ? first : next;
        return next < MaxBackoff ? next : MaxBackoff;
    }

    /// <summary>True if a call was left without a return.</summary>
    /// <param name="record">The calling thread's.</param>
    /// <param name="slot">The call's.</param>
    /// <param name="word">The stack pointer is below this address, and all below that is unused.</param>
    public static int IsLeft(TraceThread* record, GraphSlot* slot, ulong word)
    {
        ulong claimed = Volatile.Read(ref slot->Word);
        ulong address = (claimed & ~(ulong)Offsets.GraphSlot_Claiming) - sizeof(ulong);
        ThreadStack stack = record->Stack;
        bool own = stack.Contains(address);
        bool below = own && address < word && stack.Contains(word - sizeof(ulong));
        record->StackLow = stack.Low;
        record->StackTop = stack.Top;
        if (below && !IsInterrupted(address, word))
        {
            // Unless it has ended in a tail call to what another copy traces, and that one in the call which looks.
            return ToInt(address != word - sizeof(ulong) || !IsOtherBlock(Volatile.Read(ref *(ulong*)address)));
        }

        // A handler of a signal has interrupted the call at its entry.
        if ((claimed & Offsets.GraphSlot_Claiming) != 0)
        {
            return 0;
        }

        // Twice: another thread may be writing the word.
        return own ? ToInt(!IsReturn(slot, Volatile.Read(ref *(ulong*)address))) : ToInt(IsGone(slot, address) && IsGone(slot, address));
    }

    /// <summary>True if a handler runs on an alternate stack that is part of the thread's own, above what it interrupted.</summary>
    private static bool IsInterrupted(ulong address, ulong word)
    {
        AlternateStack alternate = AlternateStack.Current;
        return alternate.Contains(word - sizeof(ulong)) && !alternate.Contains(address);
    }

    private static bool IsGone(GraphSlot* slot, ulong address) => !TraceMarks.TryRead(address, out ulong found) || !IsReturn(slot, found);

    private static bool IsReturn(GraphSlot* slot, ulong found) =>
        found == GraphText.ReturnOf(slot) || found == Volatile.Read(ref slot->Ret) || found == GraphText.OffsetOf(slot) || IsOtherBlock(found);

    /// <summary>True for a return address in a block of another copy of the library: it looks like one of ours.</summary>
    private static bool IsOtherBlock(ulong address) =>
        address % Offsets.GraphSlots_BlockSize == Offsets.GraphSlots_ReturnOffset && GraphText.SlotAround(address) == null
        && TraceMarks.TryRead(address, out ulong code) && (code & 0xff00_0000_00ff) == 0xe900_0000_0068; // push, jmp

    private static int ToInt(bool value) => value ? 1 : 0;

    /// <summary>Finds a free slot of a thread's. What it has interrupted may be claiming or freeing the one to which the cursor leads.</summary>
    /// <remarks>Most often there is one: with a chunk for each such interruption, the chunks of the process would soon be used up.</remarks>
    private static bool TryFind(TraceThread* record)
    {
        for (ulong chunk = record->GraphChunks; chunk != 0; chunk = GraphText.HeaderOf((int)chunk - 1)->Next)
        {
            for (int i = 1; i < GraphText.PerChunk; i++)
            {
                GraphSlot* slot = (GraphSlot*)GraphText.HeaderOf((int)chunk - 1) + i;
                if (Volatile.Read(ref slot->Word) == 0)
                {
                    Link(record, slot);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Gives a thread another chunk, if there is one.</summary>
    private static bool TryTake(TraceThread* record, ulong word)
    {
        int used = Volatile.Read(ref s_used);
        bool hasItsShare = record->GraphChunkCount > (long)MaxShare * (GraphText.Chunks - used + Volatile.Read(ref s_given));
        int chunk = hasItsShare ? -1 : FindGiven();
        while (chunk < 0 && used < GraphText.Chunks && !hasItsShare)
        {
            int found = Interlocked.CompareExchange(ref s_used, used + 1, used);
            chunk = found == used ? used : -1;
            used = found;
        }

        chunk = chunk < 0 ? FindOrphan(record, word) : chunk;
        if (chunk < 0)
        {
            return false;
        }

        GraphHeader* header = GraphText.HeaderOf(chunk);
        header->Cursor = &record->GraphCursor;
        Volatile.Write(ref header->Owner, Changing);
        Volatile.Write(ref header->Word, 1);
        for (int i = 1; i < GraphText.PerChunk; i++)
        {
            GraphSlot* slot = (GraphSlot*)header + i;
            slot->Id = slot->Id != 0 ? slot->Id : (ulong)(chunk * GraphText.PerChunk + i);
            Link(record, slot);
        }

        Volatile.Write(ref header->Owner, (ulong)record);
        ulong next;
        do
        {
            next = record->GraphChunks;
            header->Next = next;
        }
        while (Interlocked.CompareExchange(ref record->GraphChunks, (ulong)chunk + 1, next) != next);

        record->GraphChunkCount++;
        return true;
    }

    private static void Link(TraceThread* record, GraphSlot* slot)
    {
        slot->Next = record->GraphCursor;
        record->GraphCursor = GraphText.OffsetOf(slot);
    }

    /// <summary>A chunk that was given back; it is the caller's now. -1: there is none.</summary>
    private static int FindGiven()
    {
        for (int i = 1; Volatile.Read(ref s_given) > 0 && i < Volatile.Read(ref s_used); i++)
        {
            // One that is being taken for the first time is not free.
            GraphHeader* header = GraphText.HeaderOf(i);
            if (Volatile.Read(ref header->Word) != 0 && Interlocked.CompareExchange(ref header->Owner, Changing, Free) == Free)
            {
                Interlocked.Decrement(ref s_given);
                return i;
            }
        }

        return -1;
    }

    private static int FindOrphan(TraceThread* record, ulong word)
    {
        for (int i = 1; i < GraphText.Chunks; i++)
        {
            GraphHeader* header = GraphText.HeaderOf(i);
            if (Volatile.Read(ref header->Owner) != Orphan || Interlocked.CompareExchange(ref header->Owner, Changing, Orphan) != Orphan)
            {
                continue;
            }

            if (Reclaim(record, i, word, links: false) == GraphText.PerChunk - 1)
            {
                return i;
            }

            Volatile.Write(ref header->Owner, Orphan);
        }

        return -1;
    }

    /// <summary>Frees slots of calls that were left.</summary>
    /// <returns>How many slots of the chunk are free.</returns>
    private static uint Reclaim(TraceThread* record, int chunk, ulong word, bool links)
    {
        uint found = 0;
        for (int i = 1; i < GraphText.PerChunk; i++)
        {
            GraphSlot* slot = (GraphSlot*)GraphText.HeaderOf(chunk) + i;
            ulong claimed = Volatile.Read(ref slot->Word);
            bool linked = claimed != 0 && links && (Volatile.Read(ref slot->Flags) & Offsets.GraphSlot_Linked) != 0;
            if (linked)
            {
                // Set again next time, if it still is.
                slot->Flags &= ~(uint)Offsets.GraphSlot_Linked;
            }

            bool free = claimed == 0 || (!linked && IsLeft(record, slot, word) != 0 && TryFree(slot, claimed));
            found += free ? 1u : 0;
            if (free && links)
            {
                Link(record, slot);
            }
        }

        return found;
    }

    private static bool TryFree(GraphSlot* slot, ulong claimed)
    {
        slot->Wanted = 0;
        slot->Next = 0; // the word is that of the call's parent; a handler of a signal may claim the slot before it is linked
        return Interlocked.CompareExchange(ref slot->Word, 0, claimed) == claimed;
    }

    /// <summary>Gives back the chunks of a thread that has ended. What is on its own stack is gone.</summary>
    public static void Release(ref TraceThread record)
    {
        ulong chunk = record.GraphChunks;
        record.GraphChunks = 0;
        record.GraphCursor = 0;
        record.GraphTop = 0;
        record.GraphChunkCount = 0;
        record.GraphScanAt = 0;
        record.GraphSkip = 0;
        record.GraphBackoff = 0;
        while (chunk != 0)
        {
            GraphHeader* header = GraphText.HeaderOf((int)chunk - 1);
            chunk = header->Next;
            fixed (ulong* none = &s_noCursor)
            {
                header->Cursor = none;
            }

            bool free = true;
            for (int i = 1; i < GraphText.PerChunk; i++)
            {
                GraphSlot* slot = (GraphSlot*)header + i;
                ulong claimed = Volatile.Read(ref slot->Word);
                bool gone = claimed > record.StackLow && claimed <= record.StackTop && TryFree(slot, claimed);
                free &= claimed == 0 || gone;
            }

            Volatile.Write(ref header->Owner, free ? Free : Orphan);
            if (free)
            {
                Interlocked.Increment(ref s_given);
            }
        }
    }

    /// <summary>Takes ops out of all calls that are under way: their numbers are going to be used again.</summary>
    public static void Forget(uint mask)
    {
        for (int i = 0; i < Volatile.Read(ref s_used) * GraphText.PerChunk; i++)
        {
            GraphSlot* slot = GraphText.Slots + i;
            if (i % GraphText.PerChunk != 0 && (Volatile.Read(ref slot->Wanted) & mask) != 0)
            {
                Interlocked.And(ref slot->Wanted, ~mask);
            }
        }
    }
}
