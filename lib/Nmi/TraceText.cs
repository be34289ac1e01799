using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>Addresses of Native/trace_entry.S.</summary>
[NoInstr]
internal static unsafe class TraceText
{
    /// <summary>The bytes of the larger kind of frame, from a handler's mark on.</summary>
    public const ulong LargestFrame = Offsets.FtraceRegs_SizeOf;

    /// <summary>True in the code that a traced call goes through.</summary>
    public static bool Contains(ulong ip) => ip >= At(Offsets.TraceText_Begin) && ip < At(Offsets.TraceText_End);

    /// <summary>Where a handler returns to that was called without vector registers saved.</summary>
    public static bool IsReturn(ulong ip) => ip == At(Offsets.TraceText_Returns) || ip == At(Offsets.TraceText_Returns + 1);

    /// <summary>With them.</summary>
    public static bool IsReturnWithVectors(ulong ip) => ip == At(Offsets.TraceText_ReturnsWithVectors) || ip == At(Offsets.TraceText_ReturnsWithVectors + 1);

    private static ulong At(int index)
    {
        int* distance = Native.Table->TraceText + index;
        return (ulong)distance + (ulong)(long)*distance;
    }
}
