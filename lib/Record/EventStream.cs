using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Stream mode: copies the blocks of the rings to the end of the file, before their threads write them again. The rings are in the file too: what
/// a kill leaves there has not to be copied.
/// </summary>
/// <remarks>
/// <para>Who may run against whom: the keeper calls <see cref="Work"/>; whoever stops the recording, when the keeper has ended,
/// <see cref="Finish"/>. The thread that has the ring writes to it at any time. It replaces a block's sequence number before it writes the
/// first of the new units, and the copy counts only if the number is the same afterwards.</para>
/// <para>When the file cannot grow any more, nothing is copied from then on: the rings keep the last events, as without a stream.</para>
/// </remarks>
internal static unsafe class EventStream
{
    private const uint BufferSize = 1 << 20;
    private const int MostBlocks = 256; // of 4 KB
    private const ulong TagMask = Offsets.TraceEvent_TagMask;

    /// <summary>What stays for information: the names of threads, what was lost.</summary>
    private const ulong InformationRoom = 512 << 10;

    /// <summary>How long a handler may take that has interrupted its thread between the reservation of a unit and its writing.</summary>
    private const long LongestHandlerNs = 20 * Clock.NsPerMs;

    private const int BusyUs = 1_000;
    private const int IdleUs = 10_000;
    private const int LineSize = 200;

    private static StreamCursor* s_cursors;
    private static byte* s_buffer;
    private static uint s_used;

    /// <summary>Of each block in the buffer, its ring.</summary>
    private static uint* s_ringOf;

    private static ulong s_offset;
    private static uint s_room;
    private static uint s_first;
    private static int s_pause;
    private static int s_error;
    private static ulong s_lost;
    private static ulong s_copied;
    private static bool s_isWanted;

    /// <summary>Events are copied, or were before the file was full.</summary>
    public static bool IsWanted => s_isWanted;

    /// <summary>0, or -errno: why nothing is copied any more.</summary>
    public static int Error => Volatile.Read(ref s_error);

    /// <summary>Units of all threads that were overwritten before they were copied.</summary>
    public static ulong Lost => Volatile.Read(ref s_lost);

    /// <summary>Blocks that were copied.</summary>
    public static ulong Copied => Volatile.Read(ref s_copied);

    private static RecorderWords* Words => RecorderWords.Shared;

    private static uint UnitsPerBlock => (Words->BlockSize - (uint)sizeof(TraceBlock)) / EventUnits.Size;

    /// <summary>A recording begins.</summary>
    /// <returns>0 or -ENOMEM.</returns>
    public static int Reset(bool isWanted)
    {
        const nuint CursorBytes = RingPool.Capacity * 32;

        s_isWanted = isWanted;
        s_error = 0;
        s_lost = 0;
        s_copied = 0;
        s_used = 0;
        s_room = 0;
        s_first = 0;
        s_pause = BusyUs;
        if (isWanted)
        {
            s_cursors = s_cursors != null ? s_cursors : (StreamCursor*)Memory.Map(CursorBytes);
            s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(BufferSize + MostBlocks * sizeof(uint));
            if (s_cursors == null || s_buffer == null)
            {
                return -Errno.ENOMEM;
            }

            s_ringOf = (uint*)(s_buffer + BufferSize);
            new Span<byte>(s_cursors, (int)CursorBytes).Clear();
        }

        Volatile.Write(ref Words->Streams, isWanted ? 1u : 0u);
        return 0;
    }

    /// <summary>Copies what is full.</summary>
    /// <returns>After how many microseconds there may be more.</returns>
    public static int Work()
    {
        bool any = CopyAll(isLast: false, out bool isLate);
        s_pause = any ? BusyUs : Math.Min(2 * s_pause, IdleUs);
        return isLate ? 0 : s_pause;
    }

    /// <summary>Copies all that is left: the recording has ended.</summary>
    /// <param name="isQuiet">No thread writes any more; then the rings are not needed in the file.</param>
    public static void Finish(bool isQuiet)
    {
        CopyAll(isLast: true, out _);
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        for (uint i = 0; i < Words->RingCount; i++)
        {
            NoteLost(s_cursors + i);
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
        for (uint i = 0; i < Words->RingCount; i++)
        {
            Void(Words->Rings + i, (s_cursors + i)->Next, isQuiet && s_error == 0);
        }

        Volatile.Write(ref Words->Streams, 0u);
    }

    /// <returns>True if anything was copied.</returns>
    private static bool CopyAll(bool isLast, out bool isLate)
    {
        ulong before = s_copied;
        isLate = false;
        uint asked = Volatile.Read(ref Words->Asked);
        uint count = Volatile.Read(ref Words->RingCount);
        for (uint i = 0; i < count; i++)
        {
            uint index = (s_first + i) % count;
            if (!isLast && Volatile.Read(ref Words->Asked) != asked)
            {
                // Threads need rings: this is more urgent.
                s_first = index;
                isLate = true;
                break;
            }

            isLate |= CopyRing(index, isLast);
        }

        Flush();
        return s_copied != before;
    }

    /// <returns>True if the thread has filled much of its ring meanwhile.</returns>
    private static bool CopyRing(uint index, bool isLast)
    {
        Ring* ring = Words->Rings + index;
        StreamCursor* cursor = s_cursors + index;

        // Read before the position: after the end of its thread nothing is written.
        ulong owner = Volatile.Read(ref ring->Owner);
        if (owner is Offsets.Ring_Free or 0 || !FindLast(ring, out ulong current, out _))
        {
            return false;
        }

        bool hasEnded = owner == Offsets.Ring_Ended;
        ulong end = isLast || hasEnded ? current + 1 : current;
        cursor->Next = Math.Max(cursor->Next, 1);
        NoteThread(ring, cursor, current);
        bool isLate = (end - Math.Min(cursor->Next, end)) * 4 >= ring->Blocks;
        while (cursor->Next < end)
        {
            FindLast(ring, out current, out ulong last);
            SkipOverwritten(ring, cursor, current);
            if (s_error != 0 || !HasRoom())
            {
                return false;
            }

            if (cursor->Next >= end || !Copy(index, BlockOf(ring, last, current - cursor->Next), isWhole: cursor->Next < current, mayWait: !isLast && !hasEnded && current - cursor->Next < ring->Blocks / 2))
            {
                break;
            }
        }

        if (hasEnded && cursor->Next >= end && !isLast)
        {
            Release(ring, cursor);
        }

        return isLate;
    }

    /// <summary>The block that was entered last.</summary>
    private static bool FindLast(Ring* ring, out ulong sequence, out ulong address)
    {
        ulong end = Volatile.Read(ref ring->End);
        if (end == 0)
        {
            uint paused = Volatile.Read(ref ring->Paused);
            end = paused != 0 ? ring->Start + (ulong)paused * Words->BlockSize : 0;
        }

        address = end - Words->BlockSize;
        sequence = end != 0 ? Volatile.Read(ref ((TraceBlock*)address)->Sequence) : 0;
        return sequence != 0;
    }

    /// <summary>The block that is so many before one.</summary>
    private static TraceBlock* BlockOf(Ring* ring, ulong last, ulong distance)
    {
        ulong index = (last - ring->Start) / Words->BlockSize - distance;
        return (TraceBlock*)(ring->Start + (index & (ring->Blocks - 1)) * Words->BlockSize);
    }

    /// <summary>
    /// Notes whose ring it is. While events are copied a ring changes hands only when it is empty; later, what its thread has lost is no longer
    /// counted.
    /// </summary>
    private static void NoteThread(Ring* ring, StreamCursor* cursor, ulong current)
    {
        uint thread = Volatile.Read(ref ring->Thread);
        if (cursor->Thread == thread)
        {
            return;
        }

        if (cursor->Thread != 0 && s_error != 0)
        {
            FutexMutex.Lock(&RecorderState.Shared->FileMutex);
            NoteLost(cursor);
            FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
            cursor->Next = current;
        }

        cursor->Thread = thread;
    }

    /// <summary>Counts what the thread has overwritten.</summary>
    private static void SkipOverwritten(Ring* ring, StreamCursor* cursor, ulong current)
    {
        ulong oldest = current + 1 - Math.Min(current, ring->Blocks);
        if (cursor->Next < oldest)
        {
            CountLost(cursor, (oldest - cursor->Next) * UnitsPerBlock);
            cursor->Next = oldest;
            cursor->WaitsSince = 0;
        }
    }

    private static void CountLost(StreamCursor* cursor, ulong units)
    {
        cursor->Lost += units;
        s_lost += units;
    }

    /// <summary>Copies the next block to the buffer.</summary>
    /// <param name="index">Of the ring.</param>
    /// <param name="block">Where it is.</param>
    /// <param name="isWhole">A block after it was entered: all its units were reserved.</param>
    /// <param name="mayWait">If some were not written yet, it is left for later.</param>
    /// <returns>False if it was left.</returns>
    private static bool Copy(uint index, TraceBlock* block, bool isWhole, bool mayWait)
    {
        Ring* ring = Words->Rings + index;
        StreamCursor* cursor = s_cursors + index;
        uint size = Words->BlockSize;
        var copy = (TraceBlock*)(s_buffer + s_used);
        ulong position = Volatile.Read(ref ring->End) != 0 ? Volatile.Read(ref ring->Pos) & ~TagMask : 0;
        Buffer.MemoryCopy(block, copy, size, size);
        Thread.MemoryBarrier();
        if (copy->Sequence != cursor->Next || Volatile.Read(ref block->Sequence) != cursor->Next)
        {
            CountLost(cursor, UnitsPerBlock);
            cursor->Next++;
            return true;
        }

        ulong units = UnitsPerBlock;
        if (!isWhole && position != 0)
        {
            units = Math.Min(units, (position - (ulong)block - (uint)sizeof(TraceBlock)) / EventUnits.Size);
        }

        uint missing = EventUnits.CountMissing(copy, (uint)units);
        if (missing != 0 && mayWait && Waits(cursor))
        {
            return false;
        }

        copy->Magic = 0; // until all of it is in the file
        copy->Lost = cursor->Lost;
        CountLost(cursor, missing);
        cursor->WaitsSince = 0;
        cursor->Next++;
        s_ringOf[s_used / size] = index;
        s_used += size;
        s_copied++;
        return true;
    }

    /// <summary>True for some time from when a unit was first found missing.</summary>
    private static bool Waits(StreamCursor* cursor)
    {
        long now = Clock.NowNs();
        cursor->WaitsSince = cursor->WaitsSince != 0 ? cursor->WaitsSince : now;
        return now - cursor->WaitsSince < LongestHandlerNs;
    }

    /// <summary>Makes sure that another block fits into the buffer, and the buffer into the file.</summary>
    private static bool HasRoom()
    {
        uint size = Words->BlockSize;
        if (s_used + size > s_room)
        {
            Flush();
        }

        if (s_room != 0)
        {
            return true;
        }

        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        ulong kept = Math.Min(InformationRoom, RecordFile.MaxSize / 8);
        ulong room = RecordFile.Room;
        room = room > kept ? room - kept : 0;
        s_room = (uint)Math.Min(BufferSize, room / size * size);
        int error = s_room == 0 ? -Errno.EFBIG : RecordFile.Allocate(s_room, out s_offset);
        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
        if (error != 0)
        {
            s_room = 0;
            Fail(error);
        }

        return error == 0;
    }

    /// <summary>
    /// Writes the buffer to the file. If the process ends meanwhile, the kernel writes a part, and the ring may not have the rest any more. So the
    /// blocks are valid afterwards only: else a part of one would be neither in the file nor missing as a block.
    /// </summary>
    private static void Flush()
    {
        if (s_used == 0)
        {
            return;
        }

        uint size = Words->BlockSize;
        uint magic = TraceBlock.MagicNumber;
        int error = RecordFile.Write(s_buffer, s_used, s_offset);
        for (uint at = 0; at < s_used && error == 0; at += size)
        {
            error = RecordFile.Write((byte*)&magic, sizeof(uint), s_offset + at); // the first word
        }

        for (uint i = 0; i < s_used / size && error != 0; i++)
        {
            CountLost(s_cursors + s_ringOf[i], UnitsPerBlock);
        }

        s_offset += s_used;
        s_room -= s_used;
        s_used = 0;
        if (error != 0)
        {
            Fail(error);
        }
    }

    private static void Fail(int error)
    {
        Volatile.Write(ref s_error, error);
        Volatile.Write(ref Words->Streams, 0u);
        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: the trace file cannot hold more events ("u8);
        line.Add(ReasonOf(error));
        line.Add(", errno "u8);
        line.Add(-error);
        line.Add("); from now on only the last ones of each thread are kept"u8);
        RecorderReport.Print(ref line);
    }

    private static ReadOnlySpan<byte> ReasonOf(int error) => error switch
    {
        -Errno.EFBIG => "it has its greatest size"u8,
        -Errno.ENOSPC => "the disk is full"u8,
        _ => "it cannot be written"u8,
    };

    /// <summary>All of an ended thread is in the file: its ring can be taken.</summary>
    private static void Release(Ring* ring, StreamCursor* cursor)
    {
        if (ring->Named != ring->Thread || ring->Ending == 0)
        {
            return; // RecordedThreads is to write its end before
        }

        Flush(); // a kill must not find it in neither place
        if (s_error != 0)
        {
            return;
        }

        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        NoteLost(cursor);
        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
        ring->Ending = 0;
        Interlocked.Increment(ref Words->FreeRings);
        Volatile.Write(ref ring->Owner, Offsets.Ring_Free);
    }

    /// <summary>Writes what the thread has lost. Called with the file's mutex held.</summary>
    private static void NoteLost(StreamCursor* cursor)
    {
        const uint Overwritten = 2;

        if (cursor->Lost != 0 && InfoWriter.Begin(InfoKind.Lost, 16))
        {
            InfoWriter.Add(cursor->Thread);
            InfoWriter.Add(Overwritten);
            InfoWriter.Add(cursor->Lost);
            InfoWriter.End();
        }

        cursor->Lost = 0;
    }

    /// <summary>Makes blocks unused that were copied, or are counted as lost; or frees the ring's part of the file, which is zeros then.</summary>
    private static void Void(Ring* ring, ulong next, bool frees)
    {
        for (uint i = 0; i < ring->Blocks; i++)
        {
            var block = (TraceBlock*)(ring->Start + i * Words->BlockSize);
            if (block->Sequence < next)
            {
                Volatile.Write(ref block->Magic, 0u);
            }
        }

        if (frees)
        {
            Memory.Remove((void*)ring->Start, (nuint)ring->Blocks * Words->BlockSize);
        }
    }
}
