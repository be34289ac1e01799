using System.Runtime.InteropServices;
using System.Runtime.CompilerServices;

namespace Ftrace.Trace;

/// <summary>Five bytes of a common trampoline that are changed while threads run. Made by Native/trace_entry.S.</summary>
/// <remarks>Each word is a distance from itself, so that nothing has to be relocated.</remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.FtraceCall_SizeOf)]
internal unsafe struct FtraceCall
{
    [FieldOffset(Offsets.FtraceCall_Ip)] private int _ip;
    [FieldOffset(Offsets.FtraceCall_Redirect)] private int _redirect;
    [FieldOffset(Offsets.FtraceCall_Done)] private int _done;

    /// <summary>Where they stand. As a nop they lead to the handler.</summary>
    public ulong Ip => At(ref _ip);

    /// <summary>Where the function is called that stands in for handlers.</summary>
    public ulong Redirect => At(ref _redirect);

    /// <summary>Behind the call of the handler.</summary>
    public ulong Done => At(ref _done);

    private static ulong At(ref int distance) => (ulong)Unsafe.AsPointer(ref distance) + (ulong)(long)distance;
}
