using Ftrace.Nmi;

namespace Ftrace.Trace;

/// <summary>
/// The mark of a thread that is in a handler: the address at which Native/trace_entry.S has saved the registers of the traced
/// function, and in the lowest bits their format. The address belongs to one stack, so it shows whether the thread is still there.
/// </summary>
[NoInstr]
internal static class TraceMark
{
    /// <summary>Instead of a mark: there are marks in <see cref="TraceThread.Aside"/>.</summary>
    public const ulong LookAside = Offsets.TraceMark_LookAside;

    /// <summary>The registers are a struct ftrace_regs.</summary>
    public const ulong Long = Offsets.TraceMark_Long;

    /// <summary>No traced function: the library calls the host's code, which always returns.</summary>
    public const ulong Library = Offsets.TraceMark_Library;

    /// <summary>Size of the smaller frame, from the mark on.</summary>
    public const ulong SmallestFrame = Offsets.TraceMark_SmallestFrame;

    /// <summary>Size of the larger frame.</summary>
    public const ulong LargestFrame = TraceText.LargestFrame;

    private const ulong Kinds = Long | Library;
    private const ulong ShortStub = Offsets.TraceMark_ShortStub;
    private const ulong LongStub = Offsets.FtraceRegs_Reserved;

    public static ulong AddressOf(ulong mark) => mark & ~Kinds;

    /// <summary>The address on the stack at which trace_entry.S has the address of the stub.</summary>
    public static ulong StubAddress(ulong mark) => AddressOf(mark) + ((mark & Long) != 0 ? LongStub : ShortStub);

    /// <summary>The stack pointer before it is aligned for the call of the handler.</summary>
    public static ulong CallFrame(ulong mark) => (mark & Long) != 0 ? AddressOf(mark) : mark - sizeof(ulong); // rbp is there
}
