using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <content>Threads are suspended, so none parks; and no thread can block a trap.</content>
internal unsafe partial struct X86Machine
{
    public static void Park(ulong cookie, void* context)
    {
    }

    public static bool UnblockTrap() => false;

    public static void BlockTrap()
    {
    }
}
