using System.Runtime.InteropServices;

namespace Ftrace.Text;

/// <summary>What is before the slots of a chunk, in place of a slot: <c>struct graph_header</c> in Native/native.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.GraphSlot_SizeOf)]
internal unsafe struct GraphHeader
{
    /// <summary>Who has the chunk: an owner of <c>GraphSlots</c>, or the address of a thread's record.</summary>
    [FieldOffset(Offsets.GraphHeader_Owner)] public ulong Owner;

    /// <summary>The number of the owner's next chunk, plus 1; 0: there is none.</summary>
    [FieldOffset(Offsets.GraphHeader_Next)] public ulong Next;

    /// <summary>Never 0, once the chunk was used: to a cursor this is a slot that is not free.</summary>
    [FieldOffset(Offsets.GraphHeader_Word)] public ulong Word;

    /// <summary>The cursor of the owner, by which a thread knows that a slot is its own.</summary>
    [FieldOffset(Offsets.GraphHeader_Cursor)] public ulong* Cursor;
}
