using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <content>What Windows does not have yet.</content>
internal static unsafe partial class PatchExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_check_stack", CallConvs = [typeof(CallConvCdecl)])]
    public static int CheckStack(ulong start, ulong end, uint timeoutMs)
    {
        if (start >= end)
        {
            return -Errno.EINVAL;
        }

        // In a handler the thread's own stack has more than return addresses: what the function will continue at.
        NmiThread* self = CurrentThread.Words;
        return TraceThreads.IsInHandler(self) ? -Errno.EDEADLK : StackCheck.Run(self, new AddressRange { Start = start, End = end }, timeoutMs);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_make_call_redzone", CallConvs = [typeof(CallConvCdecl)])]
    public static int MakeCallRedZone(ulong ip, ulong address)
    {
        if (address == 0)
        {
            return -Errno.EINVAL;
        }

        int error = Tracing.TryLock();
        if (error != 0)
        {
            return error;
        }

        error = RedZoneCall.Make(ip, address);
        Tracing.Unlock();
        return error;
    }

    private static void FillTracing(FtraceStats* stats)
    {
        stats->LoaderTimeouts = *Native.Table->LoaderTimeouts;
        stats->GraphOverruns = TraceThreads.GraphOverruns;
    }
}
