using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct record_start</c>, Native/record_env.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.RecordStart_SizeOf)]
internal unsafe struct RecordStart
{
    /// <summary>How the names of the children's files begin; null: as the name of the file does.</summary>
    [FieldOffset(Offsets.RecordStart_ChildBase)] public byte* ChildBase;

    [FieldOffset(Offsets.RecordStart_Children)] public uint Children;

    /// <summary>Where it failed.</summary>
    [FieldOffset(Offsets.RecordStart_Stage)] public uint Stage;

    /// <summary>As for ftrace_tracing_set_trigger(); null: none.</summary>
    [FieldOffset(Offsets.RecordStart_Trigger)] public byte* Trigger;

    /// <summary>The number of the connection that starts it; 0: the process itself.</summary>
    [FieldOffset(Offsets.RecordStart_Owner)] public uint Owner;

    /// <summary>1: the TSC; 2: CLOCK_MONOTONIC; 0: what is best.</summary>
    [FieldOffset(Offsets.RecordStart_Clock)] public uint Clock;
}
