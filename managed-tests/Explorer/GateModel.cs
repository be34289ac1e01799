using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// The gate, statement by statement. It is C, in include/ftrace/nmi-inline.h and lib/Native/gate.c; <see cref="GateCodeTests"/> compares the
/// machine code of both with this.
/// </summary>
internal static unsafe class GateModel
{
    /// <summary>ftrace_nmi_enter(). True: ftrace_nmi_enter_slow() is called.</summary>
    public static bool Enter(Mutant mutant)
    {
        ulong modifying = SimMachine.Read(SimMachine.Gate);
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        SimMachine.Write(&SimMachine.Thread->Saved, (mutant == Mutant.OneFlag ? NmiThread.Outside : saved) << 1 | modifying);
        return modifying != 0;
    }

    /// <summary>ftrace_nmi_exit(). True: ftrace_nmi_exit_slow() is called.</summary>
    public static bool Exit(Mutant mutant)
    {
        ulong saved = SimMachine.Read(&SimMachine.Thread->Saved);
        ulong decides = mutant == Mutant.ExitByGate ? SimMachine.Read(SimMachine.Gate) : saved & 1;
        if (decides != 0)
        {
            return true;
        }

        SimMachine.Write(&SimMachine.Thread->Saved, saved >> 1);
        return false;
    }

    /// <summary>ftrace_nmi_exit_slow(), if there is no exit without its enter: that one is turned away there.</summary>
    public static void ExitSlow() => NmiPath<SimMachine>.Exit(SimMachine.Thread);
}
