using Ftrace.Nmi;

namespace Ftrace.Trace;

/// <summary>
/// The mark of a thread that is in a handler: where on the stack Native/trace_entry.S has saved the registers of the traced
/// function, and in the lowest bits how. It is a place on one stack, so it tells whether the thread is still there.
/// </summary>
[NoInstr]
internal static class TraceMark
{
    /// <summary>In place of a mark: there are others, <see cref="TraceThread.Aside"/>.</summary>
    public const ulong LookAside = Offsets.TraceMark_LookAside;

    /// <summary>The registers are a struct ftrace_regs.</summary>
    public const ulong Long = Offsets.TraceMark_Long;

    /// <summary>No traced function: the library calls the host's code. Nobody leaves it.</summary>
    public const ulong Library = Offsets.TraceMark_Library;

    /// <summary>The bytes of the smaller kind from the mark on.</summary>
    public const ulong SmallestFrame = Offsets.TraceMark_SmallestFrame;

    /// <summary>Of the larger kind.</summary>
    public const ulong LargestFrame = TraceText.LargestFrame;

    private const ulong Kinds = Long | Library;
    private const ulong ShortStub = Offsets.TraceMark_ShortStub;
    private const ulong LongStub = Offsets.FtraceRegs_Reserved;

    public static ulong AddressOf(ulong mark) => mark & ~Kinds;

    /// <summary>Where the address of the stub stands through which the call came.</summary>
    public static ulong StubAddress(ulong mark) => AddressOf(mark) + ((mark & Long) != 0 ? LongStub : ShortStub);

    /// <summary>From where down the stack is aligned, and the handler called.</summary>
    public static ulong CallFrame(ulong mark) => (mark & Long) != 0 ? AddressOf(mark) : mark - sizeof(ulong); // rbp is there
}
