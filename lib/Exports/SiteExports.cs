using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/sites.h: checks of the arguments and one call each.</summary>
internal static unsafe class SiteExports
{
    /// <summary>FTRACE_SITES_ENABLED.</summary>
    private const uint EnabledOnly = 1;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_for_each_site", CallConvs = [typeof(CallConvCdecl)])]
    public static int ForEach(void* fn, void* data, uint flags) =>
        fn == null || (flags & ~EnabledOnly) != 0 ? -Errno.EINVAL : Tracing.ForEach(fn, data, (flags & EnabledOnly) != 0);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_update_sites", CallConvs = [typeof(CallConvCdecl)])]
    public static int Update() => Tracing.UpdateSites();

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_print", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetPrint(void* print)
    {
        SharedState.Get->Trace.Print = print;
        return 0;
    }
}
