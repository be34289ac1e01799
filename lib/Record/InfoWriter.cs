using System;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Writes records of information. What is in the file counts once the block's "bytes used" say so: a record that was cut off by the end of the
/// process is not there. Called with the recorder's mutex held.
/// </summary>
internal static unsafe class InfoWriter
{
    /// <summary>How many blocks the file gets at a time.</summary>
    public const int BlocksAtOnce = 8;

    private const int MostParts = 4096;

    private static TraceBlock* s_block;
    private static TraceBlock* s_next;
    private static int s_left;
    private static ulong s_sequence;
    private static byte* s_record;
    private static uint s_used;
    private static ulong* s_parts;
    private static int s_partCount;

    /// <summary>How many times the file got blocks.</summary>
    public static int PartCount => s_partCount;

    /// <summary>The number of the block that was begun last.</summary>
    public static ulong Sequence => s_sequence;

    /// <summary>Where the blocks of a part begin in the file.</summary>
    public static ulong PartAt(int index) => s_parts[index];

    /// <summary>Forgets the blocks of an earlier recording.</summary>
    public static void Reset()
    {
        s_block = null;
        s_left = 0;
        s_sequence = 0;
        s_record = null;
        s_partCount = 0;
        s_parts = s_parts != null ? s_parts : (ulong*)Memory.Map(MostParts * sizeof(ulong));
    }

    /// <summary>In the child of a fork: the blocks are the parent's.</summary>
    [NoInstr]
    public static void AfterFork()
    {
        s_block = null;
        s_next = null;
        s_left = 0;
        s_record = null;
    }

    /// <summary>True if the address is in a block that is mapped. Any context.</summary>
    [NoInstr]
    public static bool Contains(ulong address)
    {
        ulong size = RecorderWords.Shared->BlockSize;
        return (s_block != null && address - (ulong)s_block < size) || (s_next != null && address - (ulong)s_next < size * (ulong)s_left);
    }

    /// <summary>How many bytes a record can have.</summary>
    public static int Largest => (int)RecorderWords.Shared->BlockSize - sizeof(TraceBlock);

    /// <summary>Bytes that can still be added to the record that was begun.</summary>
    public static int Room => s_record == null ? 0 : (int)(RecorderWords.Shared->BlockSize - s_used);

    /// <summary>Begins a record, in a block that has room for so many bytes.</summary>
    /// <returns>False if the file cannot grow; then what is added is dropped.</returns>
    public static bool Begin(InfoKind kind, int bytes)
    {
        s_record = null;
        int needed = sizeof(ulong) + Align(bytes);
        if (s_block == null || s_block->Used + needed > RecorderWords.Shared->BlockSize)
        {
            if (needed > Largest || !TakeBlock())
            {
                return false;
            }
        }

        s_used = s_block->Used;
        s_record = (byte*)s_block + s_used;
        s_used += sizeof(ulong);
        *(uint*)(s_record + sizeof(uint)) = (uint)kind;
        return true;
    }

    public static void Add(uint value) => Add(new ReadOnlySpan<byte>(&value, sizeof(uint)));

    public static void Add(ulong value) => Add(new ReadOnlySpan<byte>(&value, sizeof(ulong)));

    public static void Add(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= Room)
        {
            bytes.CopyTo(new Span<byte>((byte*)s_block + s_used, bytes.Length));
            s_used += (uint)bytes.Length;
        }
    }

    /// <summary>Fills up with zeros to a multiple of 8.</summary>
    public static void Pad()
    {
        while (s_record != null && s_used % sizeof(ulong) != 0)
        {
            ((byte*)s_block)[s_used++] = 0;
        }
    }

    /// <summary>Replaces a number that was added before, at this offset after the record's header.</summary>
    public static void Replace(int offset, uint value)
    {
        if (s_record != null)
        {
            *(uint*)(s_record + sizeof(ulong) + offset) = value;
        }
    }

    /// <summary>Ends the record: it is in the file from now on.</summary>
    public static void End()
    {
        if (s_record != null)
        {
            Pad();
            *(uint*)s_record = (uint)((byte*)s_block + s_used - s_record);
            Volatile.Write(ref s_block->Used, s_used);
            s_record = null;
        }
    }

    private static int Align(int bytes) => (bytes + sizeof(ulong) - 1) & -sizeof(ulong);

    private static bool TakeBlock()
    {
        uint size = RecorderWords.Shared->BlockSize;
        if (s_left == 0)
        {
            bool hasPlace = s_parts != null && s_partCount < MostParts;
            s_next = hasPlace ? (TraceBlock*)RecordFile.Grow(size * BlocksAtOnce, out _) : null;
            if (s_next == null)
            {
                return false;
            }

            s_parts[s_partCount++] = RecordFile.Size - size * BlocksAtOnce;
            s_left = BlocksAtOnce;
        }

        if (s_block != null)
        {
            Memory.Unmap(s_block, size);
        }

        s_left--;
        s_block = s_next;
        s_next = (TraceBlock*)((byte*)s_next + size);
        s_block->Type = Offsets.TraceBlock_Information;
        s_block->Used = (uint)sizeof(TraceBlock);
        s_block->Sequence = ++s_sequence;
        Volatile.Write(ref s_block->Magic, TraceBlock.MagicNumber);
        return true;
    }

    /// <summary>Unmaps the blocks.</summary>
    public static void Unmap()
    {
        uint size = RecorderWords.Shared->BlockSize;
        if (s_block != null)
        {
            Memory.Unmap(s_block, size);
        }

        if (s_left != 0)
        {
            Memory.Unmap(s_next, size * (nuint)s_left);
        }

        Reset();
    }
}
