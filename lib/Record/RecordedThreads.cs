using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Writes which threads there are, and their names. Called with the file's mutex held.</summary>
internal static unsafe class RecordedThreads
{
    /// <summary>How many names are read again at a time: three system calls each.</summary>
    private const uint ReadAgain = 64;

    /// <summary>So many changes of a thread's name are noted when they are seen: the file of a recorder that runs for ever must not grow for ever.</summary>
    private const uint MostChanges = 16;

    private static uint s_endings;
    private static uint s_hand;

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

    /// <summary>Writes which names have changed: of some threads, the next ones each time.</summary>
    public static void UpdateNames() => UpdateNames(ReadAgain, MostChanges);

    /// <summary>The same for all threads.</summary>
    public static void UpdateAllNames() => UpdateNames(uint.MaxValue, uint.MaxValue);

    private static void UpdateNames(uint most, uint mostChanges)
    {
        RecorderWords* words = RecorderWords.Shared;
        uint count = words->RingCount;
        for (uint i = 0; i < count && most > 0; i++)
        {
            s_hand = s_hand + 1 < count ? s_hand + 1 : 0;
            Ring* ring = words->Rings + s_hand;
            if (Volatile.Read(ref ring->Owner) is not (Offsets.Ring_Free or Offsets.Ring_Ended or 0) && ring->Named == ring->Thread && ring->Renamed < mostChanges)
            {
                UpdateName(ring);
                most--;
            }
        }
    }

    private static void UpdateName(Ring* ring)
    {
        uint thread = ring->Thread;
        TaskName name = NameOf(ring->Tid);

        // One that has ended has none. If another thread has taken the ring meanwhile, it is named later.
        if (!name.IsEmpty && !name.Is(ring->Name) && Volatile.Read(ref ring->Thread) == thread)
        {
            ring->Name = name;
            ring->Renamed++;
            WriteName(thread, ring->Tid, name);
        }
    }

    /// <summary>The same for a ring that nobody takes.</summary>
    public static void Update(Ring* ring, bool hasEnded)
    {
        if (ring->Named != ring->Thread)
        {
            ring->Named = ring->Thread;
            ring->Ending = 0;
            ring->Renamed = 0;
            ring->Name = NameOf(ring->Tid);
            WriteName(ring->Thread, ring->Tid, ring->Name);
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
            WriteName(cut->Thread, cut->Tid, NameOf(cut->Tid));
        }

        if (cut->NeedsEnd)
        {
            WriteEnd(cut->Thread);
        }
    }

    private static TaskName NameOf(uint tid)
    {
        TaskName name;
        byte* bytes = (byte*)&name;
        int length = OwnTaskFile.NameOf((int)tid, bytes, TaskName.Size);
        new Span<byte>(bytes + length, TaskName.Size - length).Clear();
        return name;
    }

    private static void WriteName(uint thread, uint tid, TaskName name)
    {
        ReadOnlySpan<byte> bytes = TaskName.BytesOf(&name);
        if (InfoWriter.Begin(InfoKind.Thread, 24 + bytes.Length))
        {
            InfoWriter.Add(thread);
            InfoWriter.Add(tid);
            InfoWriter.Add(ClockTimes.Read().Tsc);
            InfoWriter.Add((uint)bytes.Length);
            InfoWriter.Add(0u);
            InfoWriter.Add(bytes);
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
