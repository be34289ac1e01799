using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Stop;

namespace Ftrace.Record;

/// <summary>
/// The cut of a snapshot: while all threads stand still, each ring gets the memory of a free one. What threads had written stays in the old
/// memory, and is copied in peace. Called with the recorder's mutex held.
/// </summary>
/// <remarks>
/// <para>In order. At the start all threads record.</para>
/// <list type="number">
/// <item>There are enough free rings, and their pages are allocated. If the file cannot grow, those of threads that have ended are copied
/// and free before the cut (EndedRings).</item>
/// <item>Handlers in NMIs record nothing from now on (recorder.cutting).</item>
/// <item>Stop all threads.</item>
/// <item>Exchange the memory.</item>
/// <item>Handlers in NMIs record again, into the new memory. Let all threads go.</item>
/// <item>Copy the old memory to the snapshot.</item>
/// <item>Take its addresses out of the file, map its part of the file elsewhere, clear that, and give it to a free ring.</item>
/// </list>
/// <para>Who may run against whom, and what excludes them:</para>
/// <code>
///                          steps 1, 2      3 to 5             6, 7
/// thread that records      nothing in      stands still       what it had begun before the cut: see Native/recorder.c
///                          common
/// handler in an NMI        the same        cutting, from      the same
///                                          before the stop
/// thread that takes a      owner, by a     stands still; it   the same
/// free ring                lock cmpxchg    looks again
/// keeper                   file's mutex    stands still       file's mutex
/// start, stop, snapshot    recorder's mutex
/// kill                     the file has all events, those of both memories, until step 7 has ended
/// </code>
/// <para>The cut is consistent: an event is in the old memory only if its place was taken before step 4, and all threads stood still
/// then. So if an event is in the snapshot, all that happened before it have their places there too; and those without an event in
/// its place when it is copied are counted.</para>
/// </remarks>
internal static unsafe class SnapshotCut
{
    private const uint Margin = 2;
    private const int MostTries = 3;

    private static CutRing* s_rings;
    private static uint s_count;

    /// <summary>How many rings were cut off.</summary>
    public static uint Count => s_count;

    private static RecorderWords* Words => RecorderWords.Shared;

    public static CutRing* RingAt(uint index) => s_rings + index;

    /// <summary>True if the address is in memory that was cut off last. Any context.</summary>
    [NoInstr]
    public static bool Contains(ulong address, ulong bytes)
    {
        bool found = false;
        for (uint i = 0; i < s_count && !found; i++)
        {
            found = address - s_rings[i].Start < bytes;
        }

        return found;
    }

    /// <summary>The recording has ended, or is the parent's.</summary>
    [NoInstr]
    public static void Forget() => s_count = 0;

    /// <summary>How many rings have events.</summary>
    public static uint CountUsed()
    {
        uint used = 0;
        for (uint i = 0; i < Words->RingCount; i++)
        {
            used += EndOf(Words->Rings + i) != 0 ? 1u : 0u;
        }

        return used;
    }

    /// <summary>How many of them need a free one: those of threads that go on.</summary>
    private static uint CountLive()
    {
        uint live = 0;
        for (uint i = 0; i < Words->RingCount; i++)
        {
            bool hasEnded = Volatile.Read(ref Words->Rings[i].Owner) == Offsets.Ring_Ended;
            live += !hasEnded && EndOf(Words->Rings + i) != 0 ? 1u : 0u;
        }

        return live;
    }

    /// <summary>Makes the cut.</summary>
    /// <param name="time">When it was made.</param>
    /// <returns>0; -ENOMEM if the file has no room for free rings; -EAGAIN if threads take them all; or the error of a stop. Then nothing has changed.</returns>
    public static int Run(out ClockTimes time)
    {
        time = default;
        s_count = 0;
        s_rings = s_rings != null ? s_rings : (CutRing*)Memory.Map(RingPool.Capacity * (nuint)sizeof(CutRing));
        if (s_rings == null)
        {
            return -Errno.ENOMEM;
        }

        // Where thousands of threads come and go in a second, the rings of those that have ended may be there at once.
        int error = -Errno.EAGAIN;
        for (int tried = 0; tried < MostTries && error is -Errno.EAGAIN or -Errno.ENOMEM; tried++)
        {
            error = Prepare(Margin << (2 * tried));
            error = error != 0 ? error : Stop(ref time);
        }

        return error;
    }

    /// <summary>Provides free rings, and some more for threads that begin meanwhile.</summary>
    private static int Prepare(uint margin)
    {
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        RingPool.ReapOwners();
        uint live = CountLive();
        uint needed = live + margin;
        uint free = CountFree();
        int error = free < needed ? RingPool.Add((int)(needed - free)) : 0;
        bool hasRoom = error == 0;

        Memory.Populate(s_rings, (nuint)(CountUsed() + margin) * (nuint)sizeof(CutRing));
        RecordedThreads.Update();
        RecordedThreads.UpdateAllNames();
        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);

        free = CountFree();
        if (error != 0 && free < needed)
        {
            // Threads that have begun and ended since have taken what was there.
            RingPool.ReapOwners();
            live = CountLive();
            free = CountFree();
            hasRoom = free + EndedRings.Count() >= live;
            if (hasRoom && free < live + margin)
            {
                EndedRings.Free(live + margin - free);
            }
        }

        // The pages of the ring that is taken meanwhile are the thread's own business.
        uint populated = 0;
        for (uint i = 0; i < Words->RingCount && populated < needed; i++)
        {
            if (IsFree(Words->Rings + i))
            {
                RingMemory.Populate(Words->Rings + i);
                populated++;
            }
        }

        if (CountFree() >= CountLive())
        {
            return 0;
        }

        // If there was room, threads that have begun meanwhile have taken it.
        return hasRoom ? -Errno.EAGAIN : -Errno.ENOMEM;
    }

    private static int Stop(ref ClockTimes time)
    {
        Interlocked.Exchange(ref Words->Cutting, 1u);
        int error = StopMachine.Open(CurrentThread.Words, StopMachine.DefaultTimeoutMs);
        if (error != 0)
        {
            Volatile.Write(ref Words->Cutting, 0u);
            return error;
        }

        error = CountFree() < CountLive() ? -Errno.EAGAIN : 0;
        if (error == 0)
        {
            Exchange();
            time = ClockTimes.Read();
        }

        Volatile.Write(ref Words->Cutting, 0u);
        StopMachine.Close();
        return error;
    }

    /// <summary>Called with all threads stopped, and enough free rings.</summary>
    private static void Exchange()
    {
        uint free = 0;
        for (uint i = 0; i < Words->RingCount; i++)
        {
            Ring* ring = Words->Rings + i;
            ulong end = EndOf(ring);
            if (end == 0)
            {
                continue;
            }

            var last = (TraceBlock*)(end - Words->BlockSize);
            CutRing* cut = s_rings + s_count++;
            cut->Start = ring->Start;
            cut->Offset = RingMemory.OffsetOf(i);
            cut->Last = (ulong)last;
            cut->Pos = ring->Pos & ~(ulong)Offsets.TraceEvent_TagMask;
            cut->Thread = ring->Thread;
            cut->Tid = ring->Tid;
            cut->NeedsName = ring->Named != ring->Thread;
            cut->NeedsEnd = ring->Owner == Offsets.Ring_Ended && ring->Ending == 0;
            if (ring->Owner == Offsets.Ring_Ended)
            {
                Empty(ring);
                cut->Emptied = i;
                continue;
            }

            while (!IsFree(Words->Rings + free))
            {
                free++;
            }

            cut->Emptied = free;
            Ring* spare = Words->Rings + free;
            RingMemory.SetOffset(i, RingMemory.OffsetOf(free));
            Begin(ring, last, spare->Start);
            Empty(spare);
            Words->FreeRings--;
        }
    }

    /// <summary>The ring continues in other memory.</summary>
    private static void Begin(Ring* ring, TraceBlock* last, ulong start)
    {
        ulong sequence = last->Sequence + 1;
        bool isPaused = ring->End == 0;
        var first = (TraceBlock*)start;
        first->Thread = ring->Thread;
        first->Tid = ring->Tid;
        first->First = last->Thread == ring->Thread ? last->First : sequence; // the thread may be just taking the ring
        first->Sequence = sequence;
        ring->Start = start;
        ulong tag = EventUnits.TagOf(sequence);
        ring->End = start + Words->BlockSize;
        ring->Pos = (start + (ulong)sizeof(TraceBlock)) | tag;
        if (isPaused)
        {
            // The block has only padding, as what is left of one has when a thread is switched off.
            EventUnits.Fill(first, tag);
            ring->Pos = ring->End | tag;
            ring->End = 0;
            ring->Paused = 1;
        }

        if (ring->Named != ring->Thread)
        {
            ring->Named = ring->Thread; // written after the cut
            ring->Ending = 0;
        }
    }

    /// <summary>No thread takes it.</summary>
    private static void Empty(Ring* ring)
    {
        ring->Owner = 0;
        ring->Start = 0;
        ring->Pos = 0;
        ring->End = 0;
        ring->Paused = 0;
        ring->Named = 0;
        ring->Ending = 0;
    }

    /// <summary>Where the block ends that was entered last; 0: the ring has no events.</summary>
    private static ulong EndOf(Ring* ring) => Volatile.Read(ref ring->Owner) is Offsets.Ring_Free or 0 ? 0 : LastEndOf(ring);

    /// <summary>The same for a ring that nobody takes.</summary>
    public static ulong LastEndOf(Ring* ring)
    {
        ulong end = Volatile.Read(ref ring->End);
        uint paused = Volatile.Read(ref ring->Paused);
        return end != 0 || paused == 0 ? end : ring->Start + (ulong)paused * Words->BlockSize;
    }

    private static bool IsFree(Ring* ring) => Volatile.Read(ref ring->Owner) == Offsets.Ring_Free;

    private static uint CountFree()
    {
        uint free = 0;
        for (uint i = 0; i < Words->RingCount; i++)
        {
            free += IsFree(Words->Rings + i) ? 1u : 0u;
        }

        return free;
    }

    /// <summary>The snapshot is written: the memory is free, and some of it is for the next one.</summary>
    public static void Reuse()
    {
        Volatile.Write(ref Words->ReservedRings, CountLive() + Margin);
        for (uint i = 0; i < s_count; i++)
        {
            RingMemory.Reuse(s_rings[i].Start, s_rings[i].Offset, s_rings[i].Emptied);
        }
    }

    /// <summary>The snapshot was not written: the events stay in the file.</summary>
    public static void Keep()
    {
        for (uint i = 0; i < s_count; i++)
        {
            RingMemory.Retire(s_rings[i].Start);
        }
    }
}
