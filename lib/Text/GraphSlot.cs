using System.Runtime.InteropServices;

namespace Ftrace.Text;

/// <summary>A traced call that has not returned yet: <c>struct graph_slot</c> in Native/native.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.GraphSlot_SizeOf)]
internal unsafe struct GraphSlot
{
    /// <summary>The true return address.</summary>
    [FieldOffset(Offsets.GraphSlot_Ret)] public ulong Ret;

    /// <summary>Where the block calls the function.</summary>
    [FieldOffset(Offsets.GraphSlot_Ip)] public ulong Ip;

    /// <summary>The address after the stack's word of the return address; 0: the slot is free.</summary>
    [FieldOffset(Offsets.GraphSlot_Word)] public ulong Word;

    /// <summary>The offset of the next slot that may be free.</summary>
    [FieldOffset(Offsets.GraphSlot_Next)] public ulong Next;

    /// <summary>The id of the call that this one is nested in; 0: none. In place of <see cref="Next"/>, while it is not free.</summary>
    [FieldOffset(Offsets.GraphSlot_Parent)] public ulong Parent;

    /// <summary>Its number in the lowest 16 bits; above, how often it was claimed.</summary>
    [FieldOffset(Offsets.GraphSlot_Id)] public ulong Id;

    /// <summary>How many calls it is nested in.</summary>
    [FieldOffset(Offsets.GraphSlot_Depth)] public uint Depth;

    /// <summary>The ops that want the exit.</summary>
    [FieldOffset(Offsets.GraphSlot_Wanted)] public uint Wanted;

    /// <summary>GraphSlot_Linked and others: Native/native.h.</summary>
    [FieldOffset(Offsets.GraphSlot_Flags)] public uint Flags;
}
