using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// Which handlers a call goes to: one, or a set of them. What a stub near an object pushes is the address of one of these.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.TraceSlot_SizeOf)]
internal unsafe struct TraceSlot
{
    /// <summary>Among the flags of <see cref="List"/>, which is no ops of the host's.</summary>
    public const ulong ListFlag = (ulong)Offsets.TraceSlot_ListFlagByte << 56;

    /// <summary>Where the ops stands: in the table, or <see cref="ListEntry"/>. Read by Native/trace_entry.S.</summary>
    [FieldOffset(Offsets.TraceSlot_Entry)] public FtraceOps** Entry;

    /// <summary>Bit n: the ops with number n.</summary>
    [FieldOffset(Offsets.TraceSlot_Mask)] public ulong Mask;

    /// <summary>Of a set: calls each of them. Its data: the same through the function that stands in for handlers.</summary>
    [FieldOffset(Offsets.TraceSlot_List)] public FtraceOps List;

    [FieldOffset(Offsets.TraceSlot_ListEntry)] public FtraceOps* ListEntry;

    /// <summary>A site's call refers to it; used by <see cref="TraceSlots.Retire"/> alone.</summary>
    [FieldOffset(Offsets.TraceSlot_IsUsed)] public bool IsUsed;

    /// <summary>The first grace period that began when no site's call referred to it; 0: none has.</summary>
    [FieldOffset(Offsets.TraceSlot_RetiredIn)] public uint RetiredIn;
}
