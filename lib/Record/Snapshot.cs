using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// What all threads have, in a file of its own: ftrace_snapshot(). The recording continues with empty rings. The kernel's
/// tracing_snapshot(). Called with the recorder's mutex held.
/// </summary>
internal static unsafe class Snapshot
{
    private const int BlocksAtOnce = InfoWriter.BlocksAtOnce;

    private static byte* s_buffer;
    private static uint s_buffered;
    private static SnapshotInformation s_information;
    private static ulong s_lostBefore;
    private static ulong s_units;
    private static ulong s_endedUnits;

    private static RecorderWords* Words => RecorderWords.Shared;

    /// <param name="path">A path that does not exist yet, or "fd:N".</param>
    /// <param name="cause">For the reader.</param>
    /// <returns>0 or -errno; then there is no such file, and no event is lost.</returns>
    public static int Take(byte* path, ReadOnlySpan<byte> cause)
    {
        if (EventStream.IsWanted)
        {
            return -Errno.EOPNOTSUPP;
        }

        uint size = Words->BlockSize;
        s_buffer = s_buffer != null ? s_buffer : (byte*)Memory.Map(size * (BlocksAtOnce + 1));
        if (s_buffer == null)
        {
            return -Errno.ENOMEM;
        }

        ulong expected = size * (2 + (ulong)InfoWriter.PartCount * BlocksAtOnce) + SnapshotCut.CountUsed() * RingPool.RingBytes;
        int error = SnapshotFile.Open(path, expected);
        if (error != 0)
        {
            return error;
        }

        // Room for the header, which is written last: without it, it is no trace file.
        s_buffered = 0;
        s_lostBefore = 0;
        s_endedUnits = 0;
        s_information = default;
        new Span<byte>(s_buffer, (int)size).Clear();
        SnapshotFile.Add(s_buffer, size);
        error = SnapshotCut.Run(out ClockTimes time);
        if (error != 0)
        {
            Remove();
            return error;
        }

        Write(time, cause);
        error = SnapshotFile.Error;
        if (error != 0)
        {
            Remove();
            SnapshotCut.Keep();
            return error;
        }

        SnapshotFile.Close();
        SnapshotCut.Reuse();
        return 0;
    }

    /// <summary>There is no snapshot. What was copied before the cut is nowhere else: it counts as lost.</summary>
    private static void Remove()
    {
        SnapshotFile.Remove();
        Interlocked.Add(ref Words->Header->Lost, s_endedUnits);
    }

    /// <summary>Adds, before the cut, what a ring has whose thread has ended. Nobody writes to it.</summary>
    public static void AddEnded(Ring* ring)
    {
        ulong end = SnapshotCut.LastEndOf(ring);
        if (end != 0)
        {
            var cut = new CutRing { Start = ring->Start, Last = end - Words->BlockSize, Pos = ring->Pos & ~(ulong)Offsets.TraceEvent_TagMask };
            s_units = 0;
            AddRing(&cut);
            Flush();
            s_endedUnits += s_units;
        }
    }

    private static void Write(in ClockTimes time, ReadOnlySpan<byte> cause)
    {
        uint size = Words->BlockSize;
        ulong sequence = AddInformation();
        ulong place = SnapshotFile.Size;
        s_information.Begin((TraceBlock*)(s_buffer + size * BlocksAtOnce), sequence + 1, time, cause);
        SnapshotFile.Add(s_information.Block, size);
        for (uint i = 0; i < SnapshotCut.Count; i++)
        {
            AddRing(SnapshotCut.RingAt(i));
        }

        Flush();
        SnapshotFile.Write(s_information.Block, size, place);

        SnapshotFile.Truncate();

        new Span<byte>(s_buffer, (int)size).Clear();
        var header = (TraceFileHeader*)s_buffer;
        *header = *Words->Header;
        header->State = TraceFileHeader.Snapshot;
        header->Blocks = SnapshotFile.Size / size;
        header->Latest = time;
        header->Lost += s_information.UncountedLost + s_lostBefore;
        SnapshotFile.Write(s_buffer, size, 0);
    }

    /// <summary>Copies the information that the recording has so far.</summary>
    /// <returns>The number of its last block.</returns>
    private static ulong AddInformation()
    {
        uint size = Words->BlockSize;
        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        for (uint i = 0; i < SnapshotCut.Count; i++)
        {
            RecordedThreads.Note(SnapshotCut.RingAt(i));
        }

        int parts = InfoWriter.PartCount;
        ulong sequence = InfoWriter.Sequence;
        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);

        for (int i = 0; i < parts; i++)
        {
            // Records may be added meanwhile: those count that the size has at this moment, which is read before them.
            nint got = RecordFile.Read(s_buffer, size * BlocksAtOnce, InfoWriter.PartAt(i));
            SnapshotFile.Add(s_buffer, got > 0 ? (ulong)got / size * size : 0);
        }

        return sequence;
    }

    private static void AddRing(CutRing* cut)
    {
        uint size = Words->BlockSize;
        ulong current = ((TraceBlock*)cut->Last)->Sequence;
        for (ulong at = cut->Start; at < cut->Start + RingPool.RingBytes; at += size)
        {
            var block = (TraceBlock*)at;
            ulong end = at == cut->Last ? Math.Min(cut->Pos, at + size) : at + size;
            var copy = (TraceBlock*)(s_buffer + s_buffered);
            if (!Copy(block, copy, current))
            {
                continue;
            }

            ulong reserved = end > at + (ulong)sizeof(TraceBlock) ? (end - at - (ulong)sizeof(TraceBlock)) / EventUnits.Size : 0;
            s_units += reserved;
            CountLost(copy->Thread, EventUnits.CountMissing(copy, (uint)reserved));
            s_buffered += size;
            if (s_buffered == size * BlocksAtOnce)
            {
                Flush();
            }
        }
    }

    private static void CountLost(uint thread, uint units)
    {
        if (s_information.Block != null)
        {
            s_information.AddLost(thread, units);
        }
        else
        {
            s_lostBefore += units;
        }
    }

    /// <summary>Copies a block, of which units may be written, or which may be entered, at the same time.</summary>
    /// <returns>False if it has no events.</returns>
    private static bool Copy(TraceBlock* block, TraceBlock* copy, ulong current)
    {
        *copy = *block;

        // The thread before the number: who enters the block changes the number first.
        copy->Thread = Volatile.Read(ref block->Thread);
        copy->Tid = Volatile.Read(ref block->Tid);
        copy->First = Volatile.Read(ref block->First);
        copy->Sequence = Volatile.Read(ref block->Sequence);
        if (copy->Sequence == 0 || copy->Sequence > current)
        {
            return false;
        }

        var from = (ulong*)(block + 1);
        var to = (ulong*)(copy + 1);
        uint words = (Words->BlockSize - (uint)sizeof(TraceBlock)) / sizeof(ulong);
        for (uint i = 0; i < words; i += 2)
        {
            // The word that is written last is read first.
            to[i] = Volatile.Read(ref from[i]);
            to[i + 1] = Volatile.Read(ref from[i + 1]);
        }

        return true;
    }

    private static void Flush()
    {
        SnapshotFile.Add(s_buffer, s_buffered);
        s_buffered = 0;
    }
}
