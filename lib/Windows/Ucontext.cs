namespace Ftrace.Windows;

/// <summary>The interrupted registers, CONTEXT of winnt.h, by the names that they have on the other system.</summary>
[NoInstr]
internal static unsafe class Ucontext
{
    private const int RspNumber = 4;
    private const int RipNumber = 16; // after the general ones

    /// <summary>The register that has this number in instructions, 0 to 7.</summary>
    public static ulong* Register(ulong context, int number) => ((ThreadContext*)context)->Registers + number;

    public static ulong* Rsp(ulong context) => Register(context, RspNumber);

    public static ulong* Rip(ulong context) => Register(context, RipNumber);
}
