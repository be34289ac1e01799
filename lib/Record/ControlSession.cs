using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct control_session</c>, Native/recorder.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.ControlSession_SizeOf)]
internal unsafe struct ControlSession
{
    [FieldOffset(Offsets.ControlSession_Page)] public ControlPage* Page;
    [FieldOffset(Offsets.ControlSession_Requested)] public uint* Requested;
    [FieldOffset(Offsets.ControlSession_Seen)] public uint Seen;
    [FieldOffset(Offsets.ControlSession_Ended)] public uint Ended;
}
