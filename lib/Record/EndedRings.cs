using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Rings of threads that have ended, as room for the other buffers that a snapshot needs, if the file cannot grow: what they have is copied
/// to the snapshot before the cut, and they are free. Called with the recorder's mutex held.
/// </summary>
/// <remarks>
/// A new thread may take such a ring too, by a lock cmpxchg of its owner; who replaces the owner has it. Nobody else writes to one, as the thread
/// has ended, so the memory can stay where it is.
/// </remarks>
internal static unsafe class EndedRings
{
    private static RecorderWords* Words => RecorderWords.Shared;

    public static uint Count()
    {
        uint count = 0;
        for (uint i = 0; i < Words->RingCount; i++)
        {
            count += Volatile.Read(ref Words->Rings[i].Owner) == Offsets.Ring_Ended ? 1u : 0u;
        }

        return count;
    }

    /// <summary>Makes so many free, if there are as many: those of the threads that ended first.</summary>
    public static void Free(uint count)
    {
        for (uint i = 0; i < count; i++)
        {
            Ring* ring = Take();
            if (ring == null)
            {
                return;
            }

            FutexMutex.Lock(&RecorderState.Shared->FileMutex);
            RecordedThreads.Update(ring, hasEnded: true);
            FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
            Snapshot.AddEnded(ring);
            RingMemory.Clear(ring);
        }
    }

    /// <returns>A ring that no thread takes from now on; null if there is none.</returns>
    private static Ring* Take()
    {
        Ring* first;
        do
        {
            first = null;
            for (uint i = 0; i < Words->RingCount; i++)
            {
                Ring* ring = Words->Rings + i;

                if (Volatile.Read(ref ring->Owner) == Offsets.Ring_Ended && (first == null || HasEndedBefore(ring, first)))
                {
                    first = ring;
                }
            }
        }
        while (first != null && Interlocked.CompareExchange(ref first->Owner, 0, Offsets.Ring_Ended) != Offsets.Ring_Ended);
        return first;
    }

    /// <summary>As in Native/recorder.c.</summary>
    private static bool HasEndedBefore(Ring* ring, Ring* other) =>
        ring->Ending != other->Ending ? ring->Ending - 1 < other->Ending - 1 : ring->Thread < other->Thread;
}
