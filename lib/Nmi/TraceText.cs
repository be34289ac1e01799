using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>Addresses of Native/trace_entry.S.</summary>
[NoInstr]
internal static unsafe class TraceText
{
    /// <summary>Size of the larger frame, from a handler's mark on.</summary>
    public const ulong LargestFrame = Offsets.FtraceRegs_SizeOf;

    /// <summary>True for an address in the trampoline.</summary>
    public static bool Contains(ulong ip) => ip >= Start && ip < End;

    /// <summary>Where the trampoline begins.</summary>
    public static ulong Start => At(Offsets.TraceText_Begin);

    /// <summary>Where it ends.</summary>
    public static ulong End => At(Offsets.TraceText_End);

    /// <summary>True for the return address of a handler that was called without saving vector registers.</summary>
    public static bool IsReturn(ulong ip) => ip == At(Offsets.TraceText_Returns) || ip == At(Offsets.TraceText_Returns + 1);

    /// <summary>True for the return address of a handler that was called after saving them.</summary>
    public static bool IsReturnWithVectors(ulong ip) => ip == At(Offsets.TraceText_ReturnsWithVectors) || ip == At(Offsets.TraceText_ReturnsWithVectors + 1);

    private static ulong At(int index)
    {
        int* distance = Native.Table->TraceText + index;
        return (ulong)distance + (ulong)(long)*distance;
    }
}
