using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>The rings: their memory, which is in the file, and who has them. A thread takes a free one itself, in Native/recorder.c.</summary>
internal static unsafe class RingPool
{
    /// <summary>As many as there are records of threads.</summary>
    public const int Capacity = TraceThreads.Capacity;

    private const int WipeOnFork = 18;
    private const nuint TableBytes = (nuint)Capacity * Offsets.Ring_SizeOf;

    private const int ReapedAtOnce = 256;
    private const ulong SpareBytes = 16 << 20;
    public const int FewestSpare = 2;
    private const ulong MostSpare = 16;

    private static uint s_blocks;
    private static int s_hand;

    /// <summary>The memory of a ring that is being added, or was the last one.</summary>
    private static byte* s_adding;

    /// <summary>The size of a ring in bytes.</summary>
    [NoInstr]
    public static ulong RingBytes => (ulong)s_blocks * RecorderWords.Shared->BlockSize;

    /// <summary>Reserves the table, which a fork clears.</summary>
    /// <param name="blocks">Of a ring, a power of two.</param>
    /// <returns>0 or -ENOMEM.</returns>
    public static int Reserve(uint blocks)
    {
        RecorderWords* words = RecorderWords.Shared;
        s_blocks = blocks;
        words->Rings = words->Rings != null ? words->Rings : MapTable();
        return words->Rings != null ? RingMemory.Reserve() : -Errno.ENOMEM;
    }

    private static Ring* MapTable()
    {
        var rings = (Ring*)Memory.Map(TableBytes);
        if (rings != null)
        {
            Native.Syscall(SyscallNumber.Madvise, (nint)rings, (nint)TableBytes, WipeOnFork);
        }

        return rings;
    }

    /// <summary>Adds free rings.</summary>
    /// <returns>0 or -errno: the file cannot grow.</returns>
    public static int Add(int count)
    {
        RecorderWords* words = RecorderWords.Shared;
        for (int i = 0; i < count; i++)
        {
            if (words->RingCount == Capacity)
            {
                return -Errno.ENOSPC;
            }

            var start = (byte*)RecordFile.Grow(RingBytes, out int error);
            if (start == null)
            {
                return error;
            }

            s_adding = start;
            Ring* ring = words->Rings + words->RingCount;
            ring->Start = (ulong)start;
            ring->Blocks = s_blocks;
            ring->Pos = 0;
            ring->End = 0;
            ring->Lost = 0;
            ring->Paused = 0;
            RingMemory.SetOffset(words->RingCount, RecordFile.Size - RingBytes);
            RingMemory.Format(start, s_blocks);
            Volatile.Write(ref ring->Owner, Offsets.Ring_Free);
            Volatile.Write(ref words->RingCount, words->RingCount + 1);
            Interlocked.Increment(ref words->FreeRings);
        }

        return 0;
    }

    /// <summary>How many rings to have for threads to come: some, but few if they are large.</summary>
    public static int Spare => (int)ulong.Clamp(SpareBytes / RingBytes, FewestSpare, MostSpare);

    /// <summary>Makes sure that there are some rings for new threads: free ones, or those of threads that have ended.</summary>
    /// <param name="isShort">Threads have found none.</param>
    public static void Refill(bool isShort)
    {
        // A forked child begins with few, and most have one thread.
        int available = CountAvailable();
        int used = (int)RecorderWords.Shared->RingCount - available;
        int wanted = isShort ? Math.Max(Spare, used) : Math.Clamp(used, FewestSpare, Spare);
        int missing = wanted - available;
        if (missing > 0)
        {
            Add(missing);
        }
    }

    /// <summary>Rings that new threads can get.</summary>
    public static int CountAvailable()
    {
        RecorderWords* words = RecorderWords.Shared;
        int available = 0;
        for (uint i = 0; i < words->RingCount; i++)
        {
            ulong owner = Volatile.Read(ref words->Rings[i].Owner);
            available += owner == Offsets.Ring_Free || (owner == Offsets.Ring_Ended && words->Streams == 0) ? 1 : 0;
        }

        return available;
    }

    /// <summary>Finds threads that have ended, a few at a time.</summary>
    public static void Reap()
    {
        int pid = StopState.Shared->Pid;
        int used = TraceThreads.Used;
        for (int i = 0; i < Math.Min(used, ReapedAtOnce); i++)
        {
            s_hand = (s_hand + 1) % used;
            TraceThreads.Reap(TraceThreads.Records + s_hand, pid);
        }
    }

    /// <summary>Finds those that have ended among the threads that have rings.</summary>
    public static void ReapOwners()
    {
        RecorderWords* words = RecorderWords.Shared;
        int pid = StopState.Shared->Pid;
        for (uint i = 0; i < words->RingCount; i++)
        {
            ulong owner = Volatile.Read(ref words->Rings[i].Owner);
            if (owner is not (0 or Offsets.Ring_Free or Offsets.Ring_Ended))
            {
                TraceThreads.Reap((TraceThread*)owner, pid);
            }
        }
    }

    /// <summary>In the child of a fork: there are no rings. The kernel has cleared the table, but not all have it clear memory on a fork.</summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        RecorderWords* words = RecorderWords.Shared;
        TraceThread* own = TraceThreads.Of(self);
        if (own != null)
        {
            own->Ring = Native.Table->NoRing;
        }

        for (uint i = 0; i < words->RingCount; i++)
        {
            words->Rings[i] = default;
        }

        words->RingCount = 0;
        words->FreeRings = 0;
        words->ReservedRings = 0;
        words->Cutting = 0;
        RingMemory.ForgetRetired();
    }

    /// <summary>True if the address is in a ring. Any context.</summary>
    [NoInstr]
    public static bool Contains(ulong address)
    {
        RecorderWords* words = RecorderWords.Shared;
        ulong size = (ulong)s_blocks * words->BlockSize;
        uint count = Volatile.Read(ref words->RingCount);
        for (uint i = 0; i < count; i++)
        {
            if (address - words->Rings[i].Start < size)
            {
                return true;
            }
        }

        return s_adding != null && address - (ulong)s_adding < size;
    }

    /// <summary>Takes the rings from all threads. Those that are just writing go on. Called while events are not recorded any more.</summary>
    public static void Detach()
    {
        Interlocked.MemoryBarrier(); // with claim_ring(): it sets the thread's ring, and then reads whether the recording has ended
        for (int i = 0; i < TraceThreads.Used; i++)
        {
            TraceThread* thread = TraceThreads.Records + i;
            if (thread->Ring != null)
            {
                Volatile.Write(ref *(ulong*)&thread->Ring, (ulong)Native.Table->NoRing);
            }
        }
    }

    /// <summary>Waits until no thread is writing what the trampolines do not write. The rings were taken from all threads.</summary>
    /// <returns>False if that takes too long.</returns>
    public static bool WaitForWriters(uint timeoutMs)
    {
        Interlocked.MemoryBarrier(); // with record_data(): it says that it writes, and then reads its ring
        long start = Clock.NowNs();
        for (int i = 0; i < TraceThreads.Used; i++)
        {
            while (Volatile.Read(ref TraceThreads.Records[i].Writing) != 0)
            {
                long waited = Clock.NowNs() - start;
                if (waited > timeoutMs * Clock.NsPerMs)
                {
                    return false;
                }

                Clock.Yield(waited);
            }
        }

        return true;
    }

    /// <summary>Unmaps the rings: no thread writes to them any more.</summary>
    public static void Free()
    {
        RecorderWords* words = RecorderWords.Shared;
        for (uint i = 0; i < words->RingCount; i++)
        {
            Ring* ring = words->Rings + i;
            if (ring->Start != 0)
            {
                Memory.Unmap((void*)ring->Start, (nuint)RingBytes);
            }

            *ring = default;
        }

        RingMemory.FreeRetired();
        RingMemory.FreeLeft();
        words->RingCount = 0;
        words->FreeRings = 0;
        words->ReservedRings = 0;
    }

    /// <summary>
    /// The same, but a thread may still write: the address space stays, until a recording ends while none does. The table too, as it is: the thread
    /// may read its ring, and the next recording has another table.
    /// </summary>
    public static void Leave()
    {
        RecorderWords* words = RecorderWords.Shared;
        RingMemory.LeaveRetired();
        for (uint i = 0; i < words->RingCount; i++)
        {
            if (words->Rings[i].Start != 0)
            {
                RingMemory.Leave(words->Rings[i].Start, RingBytes);
            }
        }

        words->RingCount = 0;
        words->FreeRings = 0;
        words->ReservedRings = 0;
        Ring* rings = MapTable();
        if (rings != null)
        {
            RingMemory.Keep((ulong)words->Rings, TableBytes);
            Volatile.Write(ref *(ulong*)&words->Rings, (ulong)rings);
        }
    }
}
