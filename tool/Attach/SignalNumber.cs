namespace Ftrace.Tool.Attach;

/// <summary>Signals: <c>arch/x86/include/uapi/asm/signal.h</c>.</summary>
internal static class SignalNumber
{
    public const int Ill = 4;
    public const int Trap = 5;
    public const int Abrt = 6;
    public const int Bus = 7;
    public const int Fpe = 8;
    public const int Segv = 11;
    public const int Chld = 17;
    public const int Cont = 18;
    public const int Stop = 19;
    public const int Urg = 23;
    public const int Winch = 28;
    public const int Sys = 31;

    /// <summary>Those that an instruction causes. They are not blocked in a call: the kernel would end the process.</summary>
    public const ulong Synchronous = 1ul << (Ill - 1) | 1ul << (Trap - 1) | 1ul << (Bus - 1) | 1ul << (Fpe - 1) | 1ul << (Segv - 1) | 1ul << (Sys - 1);

    public static bool IsIn(ulong set, int signal) => (set >> (signal - 1) & 1) != 0;

    public static string NameOf(int signal) => signal switch
    {
        Ill => "SIGILL",
        Trap => "SIGTRAP",
        Abrt => "SIGABRT",
        Bus => "SIGBUS",
        Fpe => "SIGFPE",
        Segv => "SIGSEGV",
        Sys => "SIGSYS",
        _ => $"signal {signal}",
    };
}
