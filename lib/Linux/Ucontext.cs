namespace Ftrace.Linux;

/// <summary>
/// The interrupted registers in <c>struct ucontext</c>, <c>arch/x86/include/uapi/asm/sigcontext.h</c>:
/// flags and link (16 bytes), stack (24), then r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
/// </summary>
internal static unsafe class Ucontext
{
    private const int RipOffset = 16 + 24 + 16 * 8;

    /// <summary>Where the thread goes on when the handler returns.</summary>
    public static ulong* Rip(ulong context) => (ulong*)(context + RipOffset);
}
