using System;

namespace Ftrace.Record;

/// <summary>The block of information that only the snapshot has.</summary>
internal unsafe struct SnapshotInformation
{
    private const uint ReasonSnapshot = 2;
    private const uint ReasonNotWritten = 3;
    private const int LongestCause = 1024;

    private TraceBlock* _block;

    public readonly TraceBlock* Block => _block;

    /// <summary>Units that were lost, and had no room.</summary>
    public ulong UncountedLost { get; private set; }

    /// <param name="block">Memory for it.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="time">When the snapshot was taken.</param>
    /// <param name="cause">What caused it.</param>
    public void Begin(TraceBlock* block, ulong sequence, in ClockTimes time, ReadOnlySpan<byte> cause)
    {
        new Span<byte>(block, (int)RecorderWords.Shared->BlockSize).Clear();
        _block = block;
        UncountedLost = 0;
        block->Magic = TraceBlock.MagicNumber;
        block->Type = Offsets.TraceBlock_Information;
        block->Sequence = sequence;
        block->Used = (uint)sizeof(TraceBlock);

        cause = cause[..Math.Min(cause.Length, LongestCause)];
        var clock = (ulong*)BeginRecord(InfoKind.Clock, 32);
        clock[0] = time.Tsc;
        clock[1] = time.MonotonicNs;
        clock[2] = time.RealtimeNs;
        *(uint*)(clock + 3) = ReasonSnapshot;
        byte* snapshot = BeginRecord(InfoKind.Snapshot, 16 + cause.Length);
        *(ulong*)snapshot = time.Tsc;
        *(uint*)(snapshot + 8) = (uint)cause.Length;
        cause.CopyTo(new Span<byte>(snapshot + 16, cause.Length));
    }

    /// <summary>Counts units of a thread that were reserved, and not written when they were copied.</summary>
    public void AddLost(uint thread, uint units)
    {
        if (units == 0)
        {
            return;
        }

        byte* lost = BeginRecord(InfoKind.Lost, 16);
        if (lost == null)
        {
            UncountedLost += units;
            return;
        }

        *(uint*)lost = thread;
        *(uint*)(lost + 4) = ReasonNotWritten;
        *(ulong*)(lost + 8) = units;
    }

    /// <returns>After its header; null if there is no room.</returns>
    private readonly byte* BeginRecord(InfoKind kind, int bytes)
    {
        uint size = (uint)(sizeof(ulong) + bytes + sizeof(ulong) - 1) & ~7u;
        if (_block->Used + size > RecorderWords.Shared->BlockSize)
        {
            return null;
        }

        byte* record = (byte*)_block + _block->Used;
        *(uint*)record = size;
        *(uint*)(record + 4) = (uint)kind;
        _block->Used += size;
        return record + sizeof(ulong);
    }
}
