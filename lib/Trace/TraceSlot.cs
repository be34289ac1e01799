using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// The handlers that a call goes to: one, or a set of them. There is a stub for each slot in every area of stubs.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.TraceSlot_SizeOf)]
internal unsafe struct TraceSlot
{
    /// <summary>Set in the flags of <see cref="List"/>, which is not an ops of the host's.</summary>
    public const ulong ListFlag = (ulong)Offsets.TraceSlot_ListFlagByte << 56;

    /// <summary>The address of the pointer to the ops: in the table, or <see cref="ListEntry"/>. Read by Native/trace_entry.S.</summary>
    [FieldOffset(Offsets.TraceSlot_Entry)] public FtraceOps** Entry;

    /// <summary>Bit n: the ops with number n.</summary>
    [FieldOffset(Offsets.TraceSlot_Mask)] public ulong Mask;

    /// <summary>The ops of a set. Its function calls each handler; its data is a function that calls the trace function for each.</summary>
    [FieldOffset(Offsets.TraceSlot_List)] public FtraceOps List;

    [FieldOffset(Offsets.TraceSlot_ListEntry)] public FtraceOps* ListEntry;

    /// <summary>A site's call refers to it; used by <see cref="TraceSlots.Retire"/> alone.</summary>
    [FieldOffset(Offsets.TraceSlot_IsUsed)] public bool IsUsed;

    /// <summary>The first grace period that began when no site's call referred to it; 0: none has.</summary>
    [FieldOffset(Offsets.TraceSlot_RetiredIn)] public uint RetiredIn;
}
