using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <content>Threads are suspended, so none parks; the breakpoint method is not here yet.</content>
internal unsafe partial struct X86Machine
{
    public static void Park(ulong cookie, void* context)
    {
    }

    public static bool Execute(ulong ip, PatchCode code, void* context) => false;

    public static bool UnblockTrap() => false;

    public static void BlockTrap()
    {
    }
}
