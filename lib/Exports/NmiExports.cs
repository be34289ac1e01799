using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;

namespace Ftrace.Exports;

/// <summary>ftrace/nmi.h, except for the gate, which is in Native/gate.c.</summary>
internal static unsafe class NmiExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_nmi_add_signal", CallConvs = [typeof(CallConvCdecl)])]
    public static int AddSignal(int signo)
    {
        StopState* stop = StopState.Shared;
        if (!IsDeclarable(stop, signo))
        {
            return -Errno.EINVAL;
        }

        ulong before = Interlocked.Or(ref stop->NmiSignals, SignalSet.Of(signo));
        return (before & SignalSet.Of(signo)) != 0 ? -Errno.EEXIST : 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_nmi_del_signal", CallConvs = [typeof(CallConvCdecl)])]
    public static int DelSignal(int signo)
    {
        StopState* stop = StopState.Shared;
        if (!IsDeclarable(stop, signo))
        {
            return -Errno.EINVAL;
        }

        ulong before = Interlocked.And(ref stop->NmiSignals, ~SignalSet.Of(signo));
        return (before & SignalSet.Of(signo)) == 0 ? -Errno.ENOENT : 0;
    }

    private static bool IsDeclarable(StopState* stop, int signo) =>
        SignalSet.IsUsable(signo) && signo != stop->Signal && signo != Native.Table->StopSignal;
}
