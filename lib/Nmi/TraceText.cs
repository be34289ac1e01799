using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <summary>Addresses of Native/trace_entry.S.</summary>
[NoInstr]
internal static unsafe class TraceText
{
    /// <summary>The bytes of the larger kind of frame, from a handler's mark on: REGS and SAVED in Native/trace_entry.S.</summary>
    public const ulong LargestFrame = 152;

    private const int Begin = 0;
    private const int End = 1;
    private const int Returns = 2;
    private const int Vectors = 2; // of four, two save them

    /// <summary>True in the code that a traced call goes through.</summary>
    public static bool Contains(ulong ip) => ip >= At(Begin) && ip < At(End);

    /// <summary>Where a handler returns to that was called without vector registers saved.</summary>
    public static bool IsReturn(ulong ip) => ip == At(Returns) || ip == At(Returns + 1);

    /// <summary>With them.</summary>
    public static bool IsReturnWithVectors(ulong ip) => ip == At(Returns + Vectors) || ip == At(Returns + Vectors + 1);

    private static ulong At(int index)
    {
        int* distance = Native.Table->TraceText + index;
        return (ulong)distance + (ulong)(long)*distance;
    }
}
