using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Exports;

/// <summary>What there is of ftrace/sites.h.</summary>
internal static unsafe class SiteExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_print", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetPrint(void* print)
    {
        HostPrint.Set(print);
        return 0;
    }
}
