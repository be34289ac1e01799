using Ftrace.Linux;

namespace Ftrace.Nmi;

/// <content>Signals: how threads park and trap under Linux.</content>
internal unsafe partial struct X86Machine
{
    public static void Park(ulong cookie, void* context) => Parking.Park(cookie, context);

    public static bool UnblockTrap()
    {
        ulong trap = SignalSet.Of(SignalSet.Sigtrap);
        return (SignalSet.BlockLess(trap) & trap) != 0;
    }

    public static void BlockTrap() => SignalSet.BlockMore(SignalSet.Of(SignalSet.Sigtrap));
}
