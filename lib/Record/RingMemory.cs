using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Which part of the file the memory of each ring is. Memory of a ring that was cut off for a snapshot becomes that of another ring, at
/// another address: a thread that was interrupted may still write to the old one, which is no part of the file any more then.
/// </summary>
internal static unsafe class RingMemory
{
    private const nuint MostRetired = 1 << 20;
    private const int MostLeft = 1 << 16;
    private const int MapFixedPrivateAnonymousNoreserve = 0x10 | 0x02 | 0x20 | 0x4000;

    private static ulong* s_offsets;
    private static ulong* s_retired;
    private static nuint s_retiredCount;

    /// <summary>Memory of recordings that have ended, while a thread seemed to write to it: start and size.</summary>
    private static ulong* s_left;
    private static int s_leftCount;

    /// <returns>0 or -ENOMEM.</returns>
    public static int Reserve()
    {
        s_offsets = s_offsets != null ? s_offsets : (ulong*)Memory.Map(RingPool.Capacity * sizeof(ulong));
        s_retired = s_retired != null ? s_retired : (ulong*)Memory.Map(MostRetired * sizeof(ulong));
        s_left = s_left != null ? s_left : (ulong*)Memory.Map(MostLeft * 2 * sizeof(ulong));
        return s_offsets != null && s_retired != null && s_left != null ? 0 : -Errno.ENOMEM;
    }

    /// <summary>Where in the file the memory of a ring begins.</summary>
    public static ulong OffsetOf(uint index) => s_offsets[index];

    public static void SetOffset(uint index, ulong offset) => s_offsets[index] = offset;

    /// <summary>Allocates the pages, so that threads do not have to.</summary>
    public static void Populate(Ring* ring) => Memory.Populate((void*)ring->Start, (nuint)RingPool.RingBytes);

    /// <summary>Writes the headers of blocks into memory that is zero.</summary>
    public static void Format(byte* start, uint blocks)
    {
        uint size = RecorderWords.Shared->BlockSize;
        for (uint i = 0; i < blocks; i++)
        {
            var header = (TraceBlock*)(start + (ulong)i * size);
            header->Type = Offsets.TraceBlock_Events;
            Volatile.Write(ref header->Magic, TraceBlock.MagicNumber);
        }
    }

    /// <summary>Makes a part of the file that was copied the empty memory of a free ring.</summary>
    /// <param name="old">Where it was mapped.</param>
    /// <param name="offset">Of the part.</param>
    /// <param name="index">A ring without memory.</param>
    public static void Reuse(ulong old, ulong offset, uint index)
    {
        RecorderWords* words = RecorderWords.Shared;
        ulong bytes = RingPool.RingBytes;
        byte* start = s_retiredCount < MostRetired ? (byte*)RecordFile.Map(offset, bytes, out _) : null;
        bool isSink = start != null && MakeSink(old, bytes);
        Retire(old);
        if (!isSink)
        {
            // No address space: the part stays unused.
            Void(old);
            if (start != null)
            {
                Memory.Unmap(start, (nuint)bytes);
            }

            return;
        }

        Ring* ring = words->Rings + index;
        s_offsets[index] = offset;
        ring->Start = (ulong)start;
        Clear(ring);
    }

    /// <summary>Empties the memory of a ring that has no owner, and makes it free.</summary>
    public static void Clear(Ring* ring)
    {
        new Span<byte>((void*)ring->Start, (int)RingPool.RingBytes).Clear();
        Format((byte*)ring->Start, ring->Blocks);
        ring->Pos = 0;
        ring->End = 0;
        ring->Lost = 0;
        ring->Paused = 0;
        ring->Named = 0;
        ring->Ending = 0;
        Volatile.Write(ref ring->Owner, Offsets.Ring_Free);
        Interlocked.Increment(ref RecorderWords.Shared->FreeRings);
    }

    /// <summary>True if the address is in memory that was cut off. Any context.</summary>
    [NoInstr]
    public static bool Contains(ulong address) => SnapshotCut.Contains(address, RingPool.RingBytes);

    /// <summary>Takes memory away from the file: what is written there from now on is nowhere.</summary>
    private static bool MakeSink(ulong start, ulong bytes) =>
        Native.Syscall(SyscallNumber.Mmap, (nint)start, (nint)bytes, Memory.ProtRead | Memory.ProtWrite, MapFixedPrivateAnonymousNoreserve, -1, 0) >= 0;

    /// <summary>
    /// The recording ends, but a thread seems to write to this memory, perhaps for long: what looks like that may be the remainder of a call on its
    /// stack. The address space stays, the memory is the file's only.
    /// </summary>
    public static void Leave(ulong start, ulong bytes)
    {
        MakeSink(start, bytes);
        Keep(start, bytes);
    }

    /// <summary>The same for memory that is not the file's.</summary>
    public static void Keep(ulong start, ulong bytes)
    {
        if (s_leftCount < MostLeft)
        {
            s_left[2 * s_leftCount] = start;
            s_left[(2 * s_leftCount) + 1] = bytes;
            s_leftCount++;
        }
    }

    /// <summary>The same for what was retired.</summary>
    public static void LeaveRetired()
    {
        for (nuint i = 0; i < s_retiredCount; i++)
        {
            Leave(s_retired[i], RingPool.RingBytes);
        }

        ForgetRetired();
    }

    /// <summary>Unmaps what recordings have left: no thread writes to the memory of any.</summary>
    public static void FreeLeft()
    {
        while (s_leftCount > 0)
        {
            s_leftCount--;
            Memory.Unmap((void*)s_left[2 * s_leftCount], (nuint)s_left[(2 * s_leftCount) + 1]);
        }
    }

    /// <summary>Memory that is a ring's no longer, and stays mapped until the recording ends.</summary>
    public static void Retire(ulong start)
    {
        if (s_retiredCount < MostRetired)
        {
            s_retired[s_retiredCount++] = start;
        }
    }

    /// <summary>Unmaps what was retired: no thread writes to it any more.</summary>
    public static void FreeRetired()
    {
        for (nuint i = 0; i < s_retiredCount; i++)
        {
            Memory.Unmap((void*)s_retired[i], (nuint)RingPool.RingBytes);
        }

        ForgetRetired();
    }

    /// <summary>The same, but it stays mapped.</summary>
    [NoInstr]
    public static void ForgetRetired()
    {
        s_retiredCount = 0;
        SnapshotCut.Forget();
    }

    private static void Void(ulong start)
    {
        RecorderWords* words = RecorderWords.Shared;
        for (ulong at = 0; at < RingPool.RingBytes; at += words->BlockSize)
        {
            Volatile.Write(ref ((TraceBlock*)(start + at))->Magic, 0u);
        }
    }
}
