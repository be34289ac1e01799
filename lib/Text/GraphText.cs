using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>The slots of calls whose exits are traced, Native/graph.c, and the blocks that they return to, Native/graph_blocks.S.</summary>
[NoInstr]
internal static unsafe class GraphText
{
    /// <summary>Slots in a chunk, with the header.</summary>
    public const int PerChunk = Offsets.GraphSlots_PerChunk;

    public const int Chunks = Offsets.GraphSlots_Chunks;
    private const int BlockSize = Offsets.GraphSlots_BlockSize;

    public static GraphSlot* Slots => (GraphSlot*)Native.Table->GraphSlots;

    public static GraphHeader* HeaderOf(int chunk) => (GraphHeader*)(Slots + chunk * PerChunk);

    /// <summary>The offset of a slot from the first, as a block pushes it.</summary>
    public static ulong OffsetOf(GraphSlot* slot) => (ulong)((byte*)slot - (byte*)Slots);

    /// <summary>The return address into the block of a slot.</summary>
    public static ulong ReturnOf(GraphSlot* slot) =>
        (ulong)Native.Table->GraphBlocks + OffsetOf(slot) / (ulong)(sizeof(GraphSlot) / BlockSize) + Offsets.GraphSlots_ReturnOffset;

    /// <summary>True for the address of a slot.</summary>
    public static bool IsSlot(ulong address)
    {
        ulong offset = address - (ulong)Slots;
        return offset < (ulong)Chunks * PerChunk * (ulong)sizeof(GraphSlot) && offset % (ulong)sizeof(GraphSlot) == 0;
    }

    /// <summary>The slot of the call with an id; null if it has ended.</summary>
    public static GraphSlot* SlotWithId(ulong id)
    {
        GraphSlot* slot = Slots + (ushort)id;
        return id != 0 && slot->Id == id && slot->Word != 0 ? slot : null;
    }

    /// <summary>The slot in whose block an address is; null if it is in none.</summary>
    public static GraphSlot* SlotAround(ulong address)
    {
        ulong offset = address - (ulong)Native.Table->GraphBlocks;
        return offset < (ulong)Chunks * PerChunk * BlockSize ? Slots + offset / BlockSize : null;
    }
}
