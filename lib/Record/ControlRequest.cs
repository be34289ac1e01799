using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary><c>struct control_request</c>, Native/recorder.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.ControlRequest_SizeOf)]
internal unsafe struct ControlRequest
{
    [FieldOffset(Offsets.ControlRequest_Kind)] public ControlKind Kind;
    [FieldOffset(Offsets.ControlRequest_Flags)] public uint Flags;

    /// <summary>A 0 follows.</summary>
    [FieldOffset(Offsets.ControlRequest_Text)] public byte* Text;

    /// <summary>Has room for <see cref="ControlPage.LongestText"/> bytes.</summary>
    [FieldOffset(Offsets.ControlRequest_Answer)] public byte* Answer;

    [FieldOffset(Offsets.ControlRequest_Length)] public uint Length;
    [FieldOffset(Offsets.ControlRequest_AnswerLength)] public uint AnswerLength;
}
