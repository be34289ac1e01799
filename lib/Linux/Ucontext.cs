namespace Ftrace.Linux;

/// <summary>
/// The interrupted registers in <c>struct ucontext</c>, <c>arch/x86/include/uapi/asm/sigcontext.h</c>:
/// flags and link (16 bytes), stack (24), then r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
/// </summary>
[NoInstr]
internal static unsafe class Ucontext
{
    /// <summary>r8 to r15, the eight older ones, and rip.</summary>
    public const int RegisterCount = 17;

    private const int StackOffset = 16;
    private const int RegistersOffset = 16 + 24;
    private const int RipOffset = RegistersOffset + 16 * 8;
    private const int FlagsOffset = RipOffset + 8;

    private const int SelectorsOffset = RipOffset + 16; // cs, gs, fs and ss in one word

    /// <summary>How many bytes from the start <see cref="MayBeSaved"/> reads.</summary>
    public const int RegistersEnd = SelectorsOffset + 8;

    private const ulong UserCode = 0x33; // __USER_CS; gs and fs are 0 in 64-bit programs, ss was not always saved
    private const ulong UserFlags = 0x202; // bit 1, which is always set, and interrupts enabled
    private const ulong MaxFlags = 0x3f_ffff;

    /// <summary>The first word of a context is not higher.</summary>
    public const ulong MaxContextFlags = 7; // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS

    private const int TrapNumberOffset = RipOffset + 4 * 8; // after flags, segments, error code

    /// <summary>After <c>struct sigcontext</c>, which has 32 words.</summary>
    private const int MaskOffset = RegistersOffset + 32 * 8;

    /// <summary>Positions among the registers of rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi: a digit each, from the lowest.</summary>
    private const uint Positions = 0x89afbced;

    private const int RspNumber = 4;

    /// <summary>All general registers and rip, in the order above.</summary>
    public static ulong* Registers(ulong context) => (ulong*)(context + RegistersOffset);

    /// <summary>The thread's alternate stack when the handler was called, in use or not.</summary>
    public static AlternateStack AlternateStackOf(ulong context) => *(AlternateStack*)(context + StackOffset);

    /// <summary>The register that has this number in instructions, 0 to 7.</summary>
    public static ulong* Register(ulong context, int number) =>
        (ulong*)(context + RegistersOffset) + (Positions >> (4 * number) & 15);

    public static ulong* Rsp(ulong context) => Register(context, RspNumber);

    /// <summary>True if this may be a context that the kernel has saved: the words that it always writes are there.</summary>
    public static bool MayBeSaved(ulong context)
    {
        ulong flags = *(ulong*)(context + FlagsOffset);
        return (*(ulong*)(context + SelectorsOffset) & 0xffff_ffff_ffff) == UserCode
            && *(ulong*)context <= MaxContextFlags && *(ulong*)(context + sizeof(ulong)) == 0
            && (flags & UserFlags) == UserFlags && flags <= MaxFlags;
    }

    /// <summary>The signals that were blocked when the handler was called.</summary>
    public static ulong Mask(ulong context) => *(ulong*)(context + MaskOffset);

    /// <summary>The vector of the last exception that this thread took.</summary>
    public static ulong TrapNumber(ulong context) => *(ulong*)(context + TrapNumberOffset);

    /// <summary>Where the thread resumes when the handler returns.</summary>
    public static ulong* Rip(ulong context) => (ulong*)(context + RipOffset);
}
