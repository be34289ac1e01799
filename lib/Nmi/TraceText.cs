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

    /// <summary>
    /// True for an address in Native/graph_entry.S at which a thread may be about to go to one that is nowhere in its state: below its stack
    /// pointer, or in a slot.
    /// </summary>
    public static bool HidesTarget(ulong ip) => ip >= At(Offsets.TraceText_GraphBegin) && ip < End && !IsReturn(ip) && !IsReturnWithVectors(ip);

    /// <summary>True for the return address of a handler that was called without saving vector registers.</summary>
    public static bool IsReturn(ulong ip) => IsAnyOf(ip, Offsets.TraceText_Returns, Offsets.TraceText_ReturnCount);

    /// <summary>True for the return address of a handler that was called after saving them.</summary>
    public static bool IsReturnWithVectors(ulong ip) => IsAnyOf(ip, Offsets.TraceText_ReturnsWithVectors, Offsets.TraceText_ReturnWithVectorsCount);

    private static bool IsAnyOf(ulong ip, int first, int count)
    {
        bool found = false;
        for (int i = 0; i < count; i++)
        {
            found |= ip == At(first + i);
        }

        return found;
    }

    private static ulong At(int index)
    {
        int* distance = Native.Table->TraceText + index;
        return (ulong)distance + (ulong)(long)*distance;
    }
}
