using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary><c>struct ring</c>, Native/recorder.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.Ring_SizeOf)]
internal struct Ring
{
    [FieldOffset(Offsets.Ring_Pos)] public ulong Pos;
    [FieldOffset(Offsets.Ring_End)] public ulong End;
    [FieldOffset(Offsets.Ring_Start)] public ulong Start;
    [FieldOffset(Offsets.Ring_Blocks)] public uint Blocks;
    [FieldOffset(Offsets.Ring_Thread)] public uint Thread;
    [FieldOffset(Offsets.Ring_Owner)] public ulong Owner;
    [FieldOffset(Offsets.Ring_Tid)] public uint Tid;
    /// <summary>Its thread has switched recording off: the index of its last block, plus 1.</summary>
    [FieldOffset(Offsets.Ring_Paused)] public uint Paused;

    [FieldOffset(Offsets.Ring_Lost)] public ulong Lost;

    /// <summary>The number of the thread whose name is in the file.</summary>
    [FieldOffset(Offsets.Ring_Named)] public uint Named;

    /// <summary>That name, in 16 bytes.</summary>
    [FieldOffset(Offsets.Ring_Name)] public TaskName Name;

    /// <summary>How often it has changed.</summary>
    [FieldOffset(Offsets.Ring_Renamed)] public uint Renamed;

    /// <summary>The sequence number of the thread's first block.</summary>
    [FieldOffset(Offsets.Ring_First)] public ulong First;

    /// <summary>Counts threads that have ended, up to this one; 0: its thread lives.</summary>
    [FieldOffset(Offsets.Ring_Ending)] public uint Ending;
}
