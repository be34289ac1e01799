using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Writes which threads there are, and their names. Called with the file's mutex held.</summary>
internal static unsafe class RecordedThreads
{
    private const int LongestName = 16; // TASK_COMM_LEN

    private static uint s_endings;

    /// <summary>Writes what is new.</summary>
    public static void Update()
    {
        RecorderWords* words = RecorderWords.Shared;
        uint count = words->RingCount;
        for (uint i = 0; i < count; i++)
        {
            Ring* ring = words->Rings + i;
            ulong owner = Volatile.Read(ref ring->Owner);
            if (owner is Offsets.Ring_Free or 0)
            {
                continue;
            }

            Update(ring, owner == Offsets.Ring_Ended);
        }
    }

    /// <summary>The same for a ring that nobody takes.</summary>
    public static void Update(Ring* ring, bool hasEnded)
    {
        if (ring->Named != ring->Thread)
        {
            ring->Named = ring->Thread;
            ring->Ending = 0;
            WriteName(ring->Thread, ring->Tid);
        }

        if (hasEnded && ring->Ending == 0)
        {
            ring->Ending = ++s_endings;
            WriteEnd(ring->Thread);
        }
    }

    /// <summary>The same for a ring that was cut off.</summary>
    public static void Note(CutRing* cut)
    {
        if (cut->NeedsName)
        {
            WriteName(cut->Thread, cut->Tid);
        }

        if (cut->NeedsEnd)
        {
            WriteEnd(cut->Thread);
        }
    }

    private static void WriteName(uint thread, uint tid)
    {
        byte* name = stackalloc byte[LongestName];
        int length = OwnTaskFile.NameOf((int)tid, name, LongestName);
        if (InfoWriter.Begin(InfoKind.Thread, 24 + LongestName))
        {
            InfoWriter.Add(thread);
            InfoWriter.Add(tid);
            InfoWriter.Add(ClockTimes.Read().Tsc);
            InfoWriter.Add((uint)length);
            InfoWriter.Add(0u);
            InfoWriter.Add(new ReadOnlySpan<byte>(name, length));
            InfoWriter.End();
        }
    }

    private static void WriteEnd(uint thread)
    {
        if (InfoWriter.Begin(InfoKind.ThreadEnded, 16))
        {
            InfoWriter.Add(thread);
            InfoWriter.Add(0u);
            InfoWriter.Add(ClockTimes.Read().Tsc);
            InfoWriter.End();
        }
    }
}
