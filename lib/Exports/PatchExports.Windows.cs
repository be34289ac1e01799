using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Nmi;
using Ftrace.Stop;

namespace Ftrace.Exports;

/// <content>There is no tracing yet.</content>
internal static unsafe partial class PatchExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_check_stack", CallConvs = [typeof(CallConvCdecl)])]
    public static int CheckStack(ulong start, ulong end, uint timeoutMs, ulong caller)
    {
        return start >= end
            ? -Errno.EINVAL
            : StackCheck.Run(CurrentThread.Words, caller, new AddressRange { Start = start, End = end }, timeoutMs);
    }

    private static void FillTracing(FtraceStats* stats)
    {
    }
}
