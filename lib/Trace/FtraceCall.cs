using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary>
/// The kernel's <c>ftrace_call</c>: five bytes of the trampoline that are changed while threads run. Defined in Native/trace_entry.S.
/// </summary>
/// <remarks>Each word is the distance from itself to an address, so that nothing has to be relocated.</remarks>
[StructLayout(LayoutKind.Explicit, Size = Offsets.FtraceCall_SizeOf)]
internal unsafe struct FtraceCall
{
    [FieldOffset(Offsets.FtraceCall_Ip)] private int _ip;
    [FieldOffset(Offsets.FtraceCall_Redirect)] private int _redirect;
    [FieldOffset(Offsets.FtraceCall_Done)] private int _done;

    /// <summary>Their address. While they are a nop, the handler is called.</summary>
    public ulong Ip => At(ref _ip);

    /// <summary>The code that calls the trace function instead.</summary>
    public ulong Redirect => At(ref _redirect);

    /// <summary>The code after the call of the handler.</summary>
    public ulong Done => At(ref _done);

    private static ulong At(ref int distance) => (ulong)Unsafe.AsPointer(ref distance) + (ulong)(long)distance;
}
