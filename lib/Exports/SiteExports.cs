using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/sites.h: checks of the arguments and one call each.</summary>
internal static unsafe class SiteExports
{
    /// <summary>FTRACE_SITES_ENABLED.</summary>
    public const uint EnabledOnly = 1;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_for_each_site", CallConvs = [typeof(CallConvCdecl)])]
    public static int ForEach(void* fn, void* data, uint flags)
    {
        if (fn == null || (flags & ~EnabledOnly) != 0)
        {
            return -Errno.EINVAL;
        }

        var list = new SiteList { Fn = fn, Data = data, EnabledOnly = (flags & EnabledOnly) != 0 };
        var call = new TraceCall { Operation = TraceOperation.List, List = list };
        return Tracing.Run(ref call);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_update_sites", CallConvs = [typeof(CallConvCdecl)])]
    public static int Update()
    {
        var call = new TraceCall { Operation = TraceOperation.Update };
        return Tracing.Run(ref call);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_print", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetPrint(void* print)
    {
        return Tracing.SetPrint(print);
    }
}
