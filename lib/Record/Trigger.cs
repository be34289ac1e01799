using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct trigger</c>, Native/recorder.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.Trigger_SizeOf)]
internal struct Trigger
{
    /// <summary>How often it still fires; below 0: without end.</summary>
    [FieldOffset(Offsets.Trigger_Left)] public long Left;

    /// <summary>A call fires at its exit, if it took longer, in units of the TSC; 0: at its entry.</summary>
    [FieldOffset(Offsets.Trigger_Longer)] public ulong Longer;

    [FieldOffset(Offsets.Trigger_Action)] public uint Action;

    /// <summary>Its ops is registered.</summary>
    [FieldOffset(Offsets.Trigger_IsUsed)] public uint IsUsed;
}
