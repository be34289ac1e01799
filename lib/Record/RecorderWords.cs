using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary><c>struct recorder</c>, Native/recorder.h: what threads that record read.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.Recorder_SizeOf)]
internal unsafe struct RecorderWords
{
    [FieldOffset(Offsets.Recorder_Rings)] public Ring* Rings;
    [FieldOffset(Offsets.Recorder_Header)] public TraceFileHeader* Header;
    [FieldOffset(Offsets.Recorder_RingCount)] public uint RingCount;
    [FieldOffset(Offsets.Recorder_BlockSize)] public uint BlockSize;
    [FieldOffset(Offsets.Recorder_Active)] public uint Active;
    [FieldOffset(Offsets.Recorder_Asked)] public uint Asked;
    [FieldOffset(Offsets.Recorder_Threads)] public uint Threads;
    [FieldOffset(Offsets.Recorder_FreeRings)] public uint FreeRings;
    [FieldOffset(Offsets.Recorder_MinTime)] public ulong MinTime;
    [FieldOffset(Offsets.Recorder_Streams)] public uint Streams;
    [FieldOffset(Offsets.Recorder_FromEnvironment)] public uint FromEnvironment;
    [FieldOffset(Offsets.Recorder_Cutting)] public uint Cutting;
    [FieldOffset(Offsets.Recorder_Snapshots)] public uint Snapshots;
    [FieldOffset(Offsets.Recorder_Cause)] public uint Cause;
    [FieldOffset(Offsets.Recorder_Muted)] public uint Muted;
    [FieldOffset(Offsets.Recorder_Off)] public uint Off;
    [FieldOffset(Offsets.Recorder_TurnOns)] public uint TurnOns;
    [FieldOffset(Offsets.Recorder_CountsNs)] public uint CountsNs;
    [FieldOffset(Offsets.Recorder_DefaultCountsNs)] public uint DefaultCountsNs;
    [FieldOffset(Offsets.Recorder_ReservedRings)] public uint ReservedRings;
    [FieldOffset(Offsets.Recorder_HeaderMutex)] public uint HeaderMutex;

    [NoInstr]
    public static RecorderWords* Shared => (RecorderWords*)Native.Table->Recorder;
}
